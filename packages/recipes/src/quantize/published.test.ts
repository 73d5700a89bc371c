import { quantizedParameters } from '@proj/vit/quantized';
import { describe, expect, it } from 'vitest';
import { recipeSchedule } from './optimizer.ts';
import { publishedRecipes } from './published.ts';

/** The table of the specification: batch of a GPU, GPUs, rate, decay, warm-up, mixup and CutMix, repeated augmentation. */
const table = [
  [/^deit-tiny-|^deit-small-w2a2/, 140, 4, 5.47e-4, 0.05, 5, false, undefined],
  [/^deit-small-w[34]/, 100, 8, 3.2e-4, 0, 0, true, 3],
  [/^swin-tiny-w2a2/, 64, 8, 5e-4, 0.05, 5, false, undefined],
  [/^swin-tiny-w[34]/, 64, 8, 2e-4, 0, 0, true, undefined],
] as const;

describe('the published recipes', () => {
  it('are nine, each by one column of the table', () => {
    const names = Object.keys(publishedRecipes);
    expect(names).toHaveLength(9);
    for (const [name, { recipe, calibrationImages }] of Object.entries(publishedRecipes)) {
      const columns = table.filter(([of]) => of.test(name));
      expect(columns, name).toHaveLength(1);
      const [, batch, gpus, rate, decay, warmup, mixed, repeats] = columns[0]!;
      expect(calibrationImages, 'as one GPU set the steps').toBe(batch);
      const { augmentation } = recipe;
      expect([recipe.batchSize, recipe.learningRate, recipe.weightDecay, recipe.warmupEpochs]).toEqual([
        batch * gpus,
        rate,
        decay,
        warmup,
      ]);
      expect(augmentation?.mixing).toEqual(
        mixed
          ? { mixup: 0.8, cutmix: 1, probability: 1, switchProbability: 0.5, labelSmoothing: 0.1 }
          : undefined,
      );
      expect(augmentation?.repeats).toBe(repeats);
      expect(recipe).toMatchObject({ seed: 42, epochs: 300, cooldownEpochs: 10, labels: 'data' });
      expect(recipe.annealing).toEqual({ epochs: 30, boundaryRange: 0.005, queryKey: false });
      expect(augmentation).toMatchObject({
        flip: true,
        randAugment: { magnitude: 9, magnitudeStd: 0.5 },
        randomErasing: { probability: 0.25 },
      });
    }
  });

  it('have bits and shapes that their models can have', () => {
    for (const [name, { model, design }] of Object.entries(publishedRecipes)) {
      expect(design.plan['default'], name).toBe(name.slice(-4));
      expect(quantizedParameters(model, design).length, name).toBeGreaterThan(400);
    }
  });

  it('have the rates of the reference, once an epoch', () => {
    const rate = recipeSchedule(publishedRecipes['deit-tiny-w2a2'].recipe, 10);
    expect([0, 9, 10].map(rate)).toEqual([1e-6, 1e-6, 1e-6 + (5.47e-4 - 1e-6) / 5]);
    expect(rate(50)).toBeCloseTo(1e-5 + 0.5 * (5.47e-4 - 1e-5) * (1 + Math.cos((5 * Math.PI) / 300)), 15);
    // The cosine is over; cool-down and annealing.
    expect([3000, 3099, 3399].map(rate)).toEqual([1e-5, 1e-5, 1e-5]);
  });

  it('are at the least rate as soon as the cosine is over, also within an epoch', () => {
    const { recipe } = publishedRecipes['deit-small-w3a3'];
    const rate = recipeSchedule({ ...recipe, epochs: 1.25 }, 100);
    expect(rate(124)).toBeGreaterThan(3e-5);
    expect([125, 150, 199, 200].map(rate)).toEqual([1e-5, 1e-5, 1e-5, 1e-5]);
  });
});
