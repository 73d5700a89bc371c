import type { Prepared } from './answer.ts';
import { fillPeakMemory, flopPerTurn, type PeakOperation, peakModule } from './peak-module.ts';

/** What a call computes, whatever the width of its registers; about 20 ms. */
export const PEAK_FLOP = 12 * 2 * 8 * 6e6;

/** Arithmetic in registers; of 256 bits each where V8's revectorizer is on. */
export function peakTask(operation: PeakOperation, wide: boolean): Prepared {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(peakModule(operation, wide)));
  const { memory, run } = exports as { memory: WebAssembly.Memory; run: (turns: number) => void };
  fillPeakMemory(memory, wide);
  const turns = PEAK_FLOP / flopPerTurn(wide);
  return {
    run: () => run(turns),
    async check() {
      run(turns);
      return [new Float32Array(memory.buffer)[0]!];
    },
    release() {},
  };
}
