import '@proj/ops/gradients';
import '@proj/wasm-kernels/install';
import type { StateDict } from '@proj/tensor-io';
import { fromTensors } from '@proj/tensor-io/tfjs';
import { initVit } from '@proj/vit';
import { ofqPlan, type QuantizedDesign } from '@proj/vit/quantized';
import { dispose, memory, setBackend } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { config, halves, recipe } from '../../test/halves.mjs';
import type { QuantizeClassifierOptions } from './options.ts';
import { quantizeClassifier } from './quantize-classifier.ts';
import type { QuantizationRecipe } from './recipe.ts';

const designOf = (
  weights: QuantizedDesign['weights'],
  attention: QuantizedDesign['attention'],
): QuantizedDesign => ({ plan: ofqPlan(config, 2), weights, attention });
const ofq = designOf('statsq', 'qkr');
const dataset = halves(64, 1);
const annealed: QuantizationRecipe = {
  ...recipe,
  epochs: 2,
  annealing: { epochs: 1, boundaryRange: 0.02, queryKey: true },
};
let start: StateDict;

beforeAll(async () => {
  await setBackend('wasm');
  const float = initVit(config, 1);
  start = await fromTensors(float);
  dispose([...float.values()]);
});

describe('refused before any work', () => {
  const lsq = designOf('lsq', 'plain');
  it.each<[string, string, Partial<QuantizeClassifierOptions>, string]>([
    [
      'annealing of LSQ',
      'RECIPE_OPTION_INVALID',
      { design: lsq, recipe: annealed },
      "this design's are lsq's",
    ],
    [
      'dampening of StatsQ',
      'RECIPE_OPTION_INVALID',
      { recipe: { ...recipe, against: { method: 'dampening', strength: 1 } } },
      'StatsQ has none',
    ],
    [
      'annealing W_qk without QKR',
      'RECIPE_OPTION_INVALID',
      { design: designOf('statsq', 'plain'), recipe: annealed },
      'queryKey',
    ],
    ['no batch at all', 'RECIPE_OPTION_INVALID', { calibrationImages: 0 }, 'calibrationImages is 0'],
    [
      'a boundary range wider than a level',
      'RECIPE_OPTION_INVALID',
      { recipe: { ...annealed, annealing: { epochs: 1, boundaryRange: 5, queryKey: false } } },
      'annealing.boundaryRange is 5; it must be above 0 and at most 0.5',
    ],
    [
      'a least rate that is none',
      'RECIPE_OPTION_INVALID',
      { recipe: { ...recipe, minLearningRate: Number.NaN } },
      'minLearningRate is NaN',
    ],
    [
      'no epoch',
      'RECIPE_OPTION_INVALID',
      { recipe: { ...recipe, epochs: 0, cooldownEpochs: 0.5 } },
      'epochs is 0; it must be a finite number above 0',
    ],
    [
      'another size',
      'RECIPE_IMAGE_SIZE',
      { recipe: { ...recipe, augmentation: { randomResizedCrop: { size: 32 } } } },
      '32 x 32',
    ],
  ])('%s', (_, code, change, message) => {
    expect(() => quantizeClassifier({ config, design: ofq, start, recipe, dataset, ...change })).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });

  it('weights that are not finite, by the name of the layer that they spoil', async () => {
    const name = 'blocks.0.mlp.fc1.weight';
    const spoiled = { ...start.get(name)!, bytes: start.get(name)!.bytes.slice() };
    new Float32Array(spoiled.bytes.buffer).fill(Number.NaN, 0, 1);
    const before = memory().numTensors;
    for (const [design, steps] of [
      [ofq, 'blocks.0.mlp.fc2.input_quant_fn.s'],
      [lsq, 'blocks.0.mlp.fc1.lsqw_fn.s'],
    ] as const) {
      const wrong = new Map(start).set(name, spoiled);
      const events = quantizeClassifier({ config, design, start: wrong, recipe, dataset });
      await expect(events.next()).rejects.toThrow(
        expect.objectContaining({ code: 'QS_NON_FINITE', message: expect.stringContaining(`"${steps}"`) }),
      );
    }
    expect(memory().numTensors).toBe(before);
  });

  it('a teacher that knows other classes', async () => {
    const other = { ...config, classes: 3 };
    const float = initVit(other, 1);
    const teacher = { config: other, state: await fromTensors(float) };
    dispose([...float.values()]);
    expect(() => quantizeClassifier({ config, design: ofq, start, recipe, dataset, teacher })).toThrow(
      expect.objectContaining({ code: 'RECIPE_TEACHER' }),
    );
  });
});
