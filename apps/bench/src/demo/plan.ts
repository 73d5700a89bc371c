import type { ImageDataset } from '@proj/datasets';
import { split } from '@proj/datasets';
import type { ClassifierRecipe } from '@proj/recipes';
import { vitConfigs } from '@proj/vit/forward';
import { type DigitSplits, digits } from './digits.ts';

/** Everything the demo fixes in advance; what it chooses, it chooses on the validation split. */
export const plan = {
  model: vitConfigs.vit_digits_28,
  splits: { train: 7000, validation: 1000, test: 2000 },
  severity: 5,
  bits: 4,
  /** Strengths tried for the patch, and shown in the sweep. */
  alphas: [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2],
  /** What all strengths are multiplied by when all patches are applied together. */
  factors: [0.5, 0.625, 0.75, 0.875, 1],
  /** The smallest number of units whose mean of clean and corrupted validation accuracy comes this close (in points) to the best. */
  unitTolerance: 1,
  galleryImages: 12,
  evaluationBatch: 250,
} as const;

const common = {
  batchSize: 32,
  minLearningRate: 1e-5,
  weightDecay: 0.05,
  warmupEpochs: 1,
  augmentation: { cropPadding: 1, flip: false },
} as const;

/** The common start; then the standard and the robust models, which go on from it with the same recipe. */
export const recipes = {
  start: (seed: number): ClassifierRecipe => ({
    ...common,
    seed,
    epochs: 8,
    learningRate: 2e-3,
  }),
  fineTuned: (seed: number): ClassifierRecipe => ({
    ...common,
    seed: seed + 1,
    epochs: 5,
    learningRate: 1e-3,
  }),
};

export function digitSplits(seed: number): DigitSplits {
  const { train, validation, test } = plan.splits;
  const [a, b, c] = split(digits(), [train, validation, test], seed) as [
    ImageDataset,
    ImageDataset,
    ImageDataset,
  ];
  return { train: a, validation: b, test: c };
}

/** Images that a training looks at, counted three times: forward, and twice as much backward. Progress counts forward passes. */
export const trainingPasses = ({ epochs, batchSize }: ClassifierRecipe): number =>
  3 * epochs * batchSize * Math.floor(plan.splits.train / batchSize);

const { validation, test } = plan.splits;
/** Images that one corruption's analysis looks at: every tried patch on validation, then models and strengths on test. */
export const analysisPasses =
  2 * validation * (plan.model.depth + plan.alphas.length - 1) + 2 * test * (plan.alphas.length + 1);
/** Images that measuring all patches together looks at: every factor on validation, the chosen one on test. */
export const togetherPasses = (corruptions: number): number =>
  (1 + corruptions) * (plan.factors.length * validation + test);
