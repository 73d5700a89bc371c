import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Outcome } from '../experiment.ts';
import type { SeedResults } from '../rws/results.ts';
import { MODEL_FILE } from '../tasks/model.ts';
import { PACKED_FILE } from '../tasks/quantize-config.ts';
import { QUANTIZED_BITS, quantizedResults, quantizers } from './quantized.ts';
import { watchedRun } from './quantized-sections.ts';
import type { DemoResults, QuantizedRow } from './results.ts';

/** Leaves the packed models of a finished demo in a folder, and says what they are worth. */
export async function exportQuantized(
  outcome: Pick<Outcome, 'of'>,
  { seed, standard, corruptions }: SeedResults,
  folder: string,
): Promise<DemoResults['quantized']> {
  const models: QuantizedRow[] = [];
  for (const { key } of quantizers) {
    const [made] = quantizedResults(outcome, [seed], key);
    const [quantized, evaluated] = [made!.quantized!, made!.evaluated!];
    const file = `${key}-w${QUANTIZED_BITS}a${QUANTIZED_BITS}.ofq.safetensors`;
    await copyFile(quantized.file(PACKED_FILE), join(folder, file));
    const { lines, accuracy = [] } = await watchedRun(made!);
    models.push({
      name: key,
      file,
      sha256: quantized.result.sha256,
      bytes: quantized.result.bytes.packed,
      trainSeconds: quantized.run.seconds + (made!.before?.run.seconds ?? 0),
      top1: 100 * evaluated.result.top1,
      agreement: 100 * evaluated.result.agreement,
      accuracy,
      oscillating: lines.map(({ step, shares }) => ({ x: step, y: 100 * shares.oscillating })),
    });
  }
  const [first] = corruptions.values();
  return {
    bits: QUANTIZED_BITS,
    float: {
      bytes: standard!.files.find(({ name }) => name === MODEL_FILE)!.bytes,
      top1: first!.standardAccuracy!.clean,
    },
    models,
  };
}
