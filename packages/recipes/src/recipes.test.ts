import '@proj/ops/gradients';
import '@proj/wasm-kernels/install';
import type { ImageDataset } from '@proj/datasets';
import { stateSha256 } from '@proj/tensor-io';
import { fromTensors } from '@proj/tensor-io/tfjs';
import type { Checkpoint } from '@proj/trainer';
import { type VitConfig, vitConfigs } from '@proj/vit';
import { memory, setBackend } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { halves } from '../test/halves.mjs';
import { corrupted, evaluateClassifier, inMemory, predict, RecipeError, trainClassifier } from './index.ts';

const config: VitConfig = { ...vitConfigs.vit_digits_28, classes: 2, depth: 1 };
const recipe = {
  seed: 3,
  epochs: 10,
  batchSize: 16,
  learningRate: 2e-3,
  minLearningRate: 1e-5,
  warmupEpochs: 1,
  weightDecay: 0.05,
  augmentation: { cropPadding: 2, flip: false },
};

const fog = { name: 'fog', severity: 5, seed: 4 } as const;

async function trained(dataset: ImageDataset, resume?: Checkpoint, everySteps = 1000) {
  const saved: Checkpoint[] = [];
  const store = { save: async (checkpoint: Checkpoint) => `checkpoint ${saved.push(checkpoint)}` };
  const events = trainClassifier({
    config,
    recipe,
    dataset,
    checkpoints: { store, everySteps },
    ...(resume && { resume }),
  });
  for await (const event of events) {
    if (event.kind !== 'done') continue;
    const state = await fromTensors(event.parameters);
    for (const tensor of event.parameters.values()) tensor.dispose();
    return { state, sha256: event.sha256, saved };
  }
  throw new Error('the training did not end');
}

describe('recipes', () => {
  beforeAll(() => setBackend('wasm'));

  it('learn, evaluate and predict, and leave no tensor behind', async () => {
    const before = memory().numTensors;
    const { state } = await trained(halves(128, 1));
    const dataset = halves(50, 2);
    const progress: number[] = [];
    const evaluation = await evaluateClassifier({
      config,
      state,
      dataset,
      batchSize: 16,
      progress: ({ count }) => progress.push(count),
    });
    expect(evaluation.top1).toBeGreaterThan(0.95);
    expect(progress).toEqual([16, 32, 48, 50]);
    const probabilities = await predict({ config, state, dataset }, [1, 0]);
    expect(probabilities.map((row) => row.indexOf(Math.max(...row)))).toEqual([1, 0]);
    expect(probabilities[0]![0]! + probabilities[0]![1]!).toBeCloseTo(1, 5);
    expect(memory().numTensors).toBe(before);
  });

  it('evaluate at the end of every epoch, without a trace in the result', async () => {
    const dataset = halves(128, 1);
    const { sha256 } = await trained(dataset);
    const evaluations: number[] = [];
    const events = trainClassifier({
      config,
      recipe,
      dataset,
      async evaluate({ parameters }) {
        const state = await fromTensors(parameters);
        return (await evaluateClassifier({ config, state, dataset, batchSize: 32 })).top1;
      },
    });
    for await (const event of events) {
      if (event.kind === 'evaluation') evaluations.push(event.result);
      if (event.kind !== 'done') continue;
      expect(event.sha256).toBe(sha256);
      for (const tensor of event.parameters.values()) tensor.dispose();
    }
    expect(evaluations).toHaveLength(recipe.epochs);
    expect(evaluations.at(-1)).toBeGreaterThan(0.9);
  });

  it('end in the same bits when resumed in the middle of an epoch, also with lazily corrupted images', async () => {
    const dataset = corrupted(halves(128, 1), { name: 'impulse_noise', severity: 5, seed: 4 });
    const whole = await trained(dataset, undefined, 10);
    expect(whole.saved[0]!.position).toEqual({ epoch: 1, step: 2, globalStep: 10 });
    const resumed = await trained(dataset, whole.saved[0]);
    expect(resumed.sha256).toBe(whole.sha256);
    expect(await stateSha256(resumed.state)).toBe(whole.sha256);
  });

  it.each([
    ['images', (clean: ImageDataset) => inMemory(corrupted(clean, fog)), 'imagesSha256'],
    [
      'labels',
      async (clean: ImageDataset) => ({ ...clean, labels: clean.labels.toReversed() }),
      'labelsSha256',
    ],
    ['class names', async (clean: ImageDataset) => ({ ...clean, classNames: ['a', 'b'] }), 'labelsSha256'],
  ])('refuse to go on with other %s of the same name and length', async (_, change, named) => {
    const clean = halves(32, 1);
    const { saved } = await trained(clean, undefined, 5);
    const other = { ...(await change(clean)), name: clean.name };
    await expect(trained(other, saved[0])).rejects.toThrow(
      expect.objectContaining({ code: 'TRAINER_CONFIG_MISMATCH', message: expect.stringContaining(named) }),
    );
  });

  it('corrupt a whole set with a turn of the event loop after every few images, until told to stop', async () => {
    const dataset = corrupted(halves(40, 1), fog);
    const counts: number[] = [];
    await inMemory(dataset, { progress: ({ count }) => counts.push(count) });
    expect(counts).toEqual([16, 32, 40]);
    const controller = new AbortController();
    setImmediate(() => controller.abort());
    await expect(inMemory(corrupted(halves(4000, 1), fog), { signal: controller.signal })).rejects.toThrow(
      expect.objectContaining({ name: 'AbortError' }),
    );
  });

  it('corrupt image i the same way in any order and batch', async () => {
    const dataset = corrupted(halves(8, 1), { name: 'gaussian_noise', severity: 5, seed: 4 });
    const all = await dataset.images([0, 1, 2, 3]);
    const some = await dataset.images([3, 1]);
    expect(some.subarray(0, 784)).toEqual(all.subarray(3 * 784, 4 * 784));
    expect(some.subarray(784)).toEqual(all.subarray(784, 2 * 784));
    expect((await inMemory(dataset)).images([3, 1])).toEqual(some);
  });

  it('refuse data sets that do not fit the model', async () => {
    const dataset = halves(16, 1);
    const train = (other: typeof config) => trainClassifier({ config: other, recipe, dataset });
    expect(() => train({ ...config, imageSize: 35 })).toThrow(RecipeError);
    expect(() => train({ ...config, imageSize: 35 })).toThrow('28 x 28 x 1');
    expect(() => train({ ...config, classes: 1 })).toThrow('halves has 2 classes');
  });

  it('refuse classes of other names before any work, where the model knows its own', async () => {
    const dataset = halves(16, 1);
    const refusal = expect.objectContaining({
      code: 'RECIPE_CLASSES',
      message: expect.stringContaining('class 1 is "right" in halves and "up" in this vit_digits_28'),
    });
    const known = { config, dataset, classNames: ['left', 'up'] };
    expect(() => trainClassifier({ ...known, recipe })).toThrow(refusal);
    await expect(evaluateClassifier({ ...known, state: new Map(), batchSize: 16 })).rejects.toThrow(refusal);
  });
});
