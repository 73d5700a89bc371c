import { type StateDict, tensorData } from '@proj/tensor-io';

/** Two blocks of a convolution and its batch norm under PyTorch's names, and a head; `step` moves every float. */
export function toyResnet(step: number): StateDict {
  const wave = (size: number, phase: number) =>
    Array.from({ length: size }, (_, i) => Math.sin(i + phase) + step * Math.cos(3 * i * (1 + step) + phase));
  const state = new Map<string, ReturnType<typeof tensorData>>();
  for (const block of ['stem', 'layer1']) {
    const phase = block.length;
    state.set(`${block}.conv.weight`, tensorData('F32', [4, 2, 3, 3], wave(72, phase)));
    state.set(`${block}.bn.weight`, tensorData('F32', [4], wave(4, phase + 1)));
    state.set(`${block}.bn.bias`, tensorData('F32', [4], wave(4, phase + 2)));
    state.set(`${block}.bn.running_mean`, tensorData('F32', [4], wave(4, phase + 3)));
    state.set(
      `${block}.bn.running_var`,
      tensorData(
        'F32',
        [4],
        wave(4, phase + 4).map((x) => x * x),
      ),
    );
    state.set(`${block}.bn.num_batches_tracked`, tensorData('I64', [], [7]));
  }
  state.set('fc.weight', tensorData('F32', [3, 4], wave(12, 0)));
  return state;
}

/** A unit is a convolution with its batch norm. */
export const toyResnetUnits: readonly (readonly string[])[] = ['stem', 'layer1'].map((block) => [
  `${block}.conv.weight`,
  `${block}.bn.weight`,
  `${block}.bn.bias`,
  `${block}.bn.running_mean`,
  `${block}.bn.running_var`,
]);
