import '@proj/ops/gradients';
import '@proj/wasm-kernels/install';
import { subset } from '@proj/datasets';
import type { StateDict } from '@proj/tensor-io';
import { fromTensors } from '@proj/tensor-io/tfjs';
import { initVit } from '@proj/vit';
import { calibrate, ofqPlan, type QuantizedDesign } from '@proj/vit/quantized';
import { dispose, fill, memory, setBackend } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { config, halves } from '../../test/halves.mjs';
import { toTensorBatch } from '../batch.ts';
import { evaluateFloat, evaluateQuantized } from './evaluate.ts';
import { compareLogits, judgeLogits } from './judge.ts';

const dataset = halves(20, 5);
const wide = { ...config, classes: 5 };
let start: StateDict;

beforeAll(async () => {
  await setBackend('wasm');
  const float = initVit(wide, 1);
  start = await fromTensors(float);
  dispose([...float.values()]);
});

async function rounded(plan: QuantizedDesign['plan']) {
  const design: QuantizedDesign = { plan, weights: 'lsq', attention: 'plain' };
  const { images, targets } = toTensorBatch(
    { images: await dataset.images([0, 1, 2, 3]), labels: dataset.labels.slice(0, 4) },
    wide,
  );
  const float = initVit(wide, 1);
  const model = { config: wide, design, ...calibrate(wide, design, float, images) };
  dispose([images, targets, ...float.values()]);
  return model;
}

describe('judgements', () => {
  it('are cross-entropy, the first largest logit, and KL(teacher || model)', () => {
    const [own, theirs] = [
      [Math.log(0.2), Math.log(0.5), Math.log(0.3)],
      [Math.log(0.6) + 7, Math.log(0.3) + 7, Math.log(0.1) + 7],
    ];
    const judged = judgeLogits(own, 2);
    expect(judged.predicted).toBe(1);
    expect(judged.loss).toBeCloseTo(-Math.log(0.3), 12);
    const beside = compareLogits(own, theirs);
    expect(beside.predicted).toBe(0);
    const divergence = 0.6 * Math.log(0.6 / 0.2) + 0.3 * Math.log(0.3 / 0.5) + 0.1 * Math.log(0.1 / 0.3);
    expect(beside.divergence).toBeCloseTo(divergence, 12);
    expect(compareLogits(own, own).divergence).toBe(0);
    expect(judgeLogits([1, 1, 0], 0).predicted).toBe(0);
  });
});

describe('evaluateQuantized', () => {
  it('tells of every image, and is nearer to the float model with more bits', async () => {
    const [coarse, fine] = [await rounded(ofqPlan(wide, 2)), await rounded({ default: 'w8a8' })];
    const before = memory().numTensors;
    const teacher = { config: wide, state: start };
    const options = { dataset, batchSize: 8, teacher };
    const at2 = await evaluateQuantized({ ...options, model: coarse });
    const at8 = await evaluateQuantized({ ...options, model: fine });
    expect(memory().numTensors).toBe(before);
    expect(at8.divergence!).toBeLessThan(at2.divergence! / 10);
    expect(at8.agreement).toBeGreaterThanOrEqual(at2.agreement!);
    expect(at2.images.map(({ image }) => image)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    const hits = at2.images.filter(({ predicted, label }) => predicted === label).length;
    expect(at2.top1).toBe(hits / 20);
    const again = at2.images.reduce((sum, { beside }) => sum + beside!.divergence, 0) / 20;
    expect(at2.divergence).toBe(again);
    for (const model of [coarse, fine]) dispose([...model.parameters.values(), ...model.buffers.values()]);
  });

  it('is the float model where nothing differs, and knows no others than the classes asked for', async () => {
    const model = { config: wide, state: start };
    const all = await evaluateFloat({ dataset, batchSize: 20, model });
    const two = await evaluateFloat({ dataset, batchSize: 20, model, classes: [3, 1] });
    expect(two.images.every(({ predicted }) => predicted < 2)).toBe(true);
    expect(two.loss).toBeLessThan(all.loss);
    const swapped = await evaluateFloat({ dataset, batchSize: 20, model, classes: [1, 3] });
    expect(swapped.images.map(({ predicted }) => 1 - predicted)).toEqual(
      two.images.map(({ predicted }) => predicted),
    );
    for (const classes of [[1], [1, 1], [1, 5]]) {
      await expect(evaluateFloat({ dataset, batchSize: 20, model, classes })).rejects.toThrow(
        expect.objectContaining({ code: 'RECIPE_CLASSES' }),
      );
    }
    await expect(evaluateFloat({ dataset: subset(dataset, []), batchSize: 20, model })).rejects.toThrow(
      expect.objectContaining({ code: 'TRAINER_EVALUATION_EMPTY' }),
    );
  });

  it('refuses logits that are not finite', async () => {
    const model = await rounded(ofqPlan(wide, 2));
    const broken = fill([5], Number.NaN);
    const parameters = new Map(model.parameters).set('head.bias', broken);
    await expect(
      evaluateQuantized({ dataset, batchSize: 8, model: { ...model, parameters } }),
    ).rejects.toThrow(expect.objectContaining({ code: 'TRAINER_NOT_FINITE' }));
    dispose([broken, ...model.parameters.values(), ...model.buffers.values()]);
  });
});
