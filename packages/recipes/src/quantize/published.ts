import { publishedSchedule } from '@proj/cga';
import type { Augmentation } from '@proj/datasets';
import { swinConfigs, vitConfigs } from '@proj/vit';
import { ofqPlan, type QuantizedDesign } from '@proj/vit/quantized';
import type { FloatModel } from './options.ts';
import type { QuantizationRecipe } from './recipe.ts';

/** A published model: its architecture, how it is quantized and how it is trained. */
export interface PublishedRecipe {
  readonly model: FloatModel['config'];
  readonly design: QuantizedDesign;
  readonly recipe: QuantizationRecipe;
  /** What LSQ's steps were set on: the first batch of one GPU, of the several that the recipe's batch is of. */
  readonly calibrationImages: number;
}

/** What differs between the published trainings. */
interface Row {
  readonly gpus: number;
  readonly imagesPerGpu: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly warmupEpochs: number;
  /** Mixup 0.8 and CutMix 1.0, or neither. */
  readonly mixed: boolean;
  /** Repeated augmentation. */
  readonly repeats: number;
}

const models = {
  'deit-tiny': vitConfigs.deit_tiny_distilled_patch16_224,
  'deit-small': vitConfigs.deit_small_distilled_patch16_224,
  'swin-tiny': swinConfigs.swin_t,
} as const satisfies Record<string, FloatModel['config']>;

type Name = `${keyof typeof models}-${'w2a2' | 'w3a3' | 'w4a4'}`;

// biome-ignore format: a table
const rows: Readonly<Record<Name, Row>> = {
  'deit-tiny-w2a2':  { gpus: 4, imagesPerGpu: 140, learningRate: 5.47e-4, weightDecay: 0.05, warmupEpochs: 5, mixed: false, repeats: 1 },
  'deit-tiny-w3a3':  { gpus: 4, imagesPerGpu: 140, learningRate: 5.47e-4, weightDecay: 0.05, warmupEpochs: 5, mixed: false, repeats: 1 },
  'deit-tiny-w4a4':  { gpus: 4, imagesPerGpu: 140, learningRate: 5.47e-4, weightDecay: 0.05, warmupEpochs: 5, mixed: false, repeats: 1 },
  'deit-small-w2a2': { gpus: 4, imagesPerGpu: 140, learningRate: 5.47e-4, weightDecay: 0.05, warmupEpochs: 5, mixed: false, repeats: 1 },
  'deit-small-w3a3': { gpus: 8, imagesPerGpu: 100, learningRate: 3.2e-4,  weightDecay: 0,    warmupEpochs: 0, mixed: true,  repeats: 3 },
  'deit-small-w4a4': { gpus: 8, imagesPerGpu: 100, learningRate: 3.2e-4,  weightDecay: 0,    warmupEpochs: 0, mixed: true,  repeats: 3 },
  'swin-tiny-w2a2':  { gpus: 8, imagesPerGpu: 64,  learningRate: 5e-4,    weightDecay: 0.05, warmupEpochs: 5, mixed: false, repeats: 1 },
  'swin-tiny-w3a3':  { gpus: 8, imagesPerGpu: 64,  learningRate: 2e-4,    weightDecay: 0,    warmupEpochs: 0, mixed: true,  repeats: 1 },
  'swin-tiny-w4a4':  { gpus: 8, imagesPerGpu: 64,  learningRate: 2e-4,    weightDecay: 0,    warmupEpochs: 0, mixed: true,  repeats: 1 },
};

/**
 * How the paper's nine models were trained on ImageNet, after the scripts of the reference code at 7ed37d1: QAT with StatsQ and QKR for 300
 * epochs and 10 more at the least rate, then CGA for 30.
 *
 * Otherwise than there: Adam's eps is 1e-6 (see `QuantizationRecipe`), and `start` is copied whole (there `attn.proj` starts anew). The
 * teacher is the float model itself, as there.
 */
export const publishedRecipes: Readonly<Record<Name, PublishedRecipe>> = Object.fromEntries(
  Object.entries(rows).map(([name, row]) => [name, published(name as Name, row)]),
) as Record<Name, PublishedRecipe>;

function published(name: Name, { mixed, repeats, gpus, imagesPerGpu, ...numbers }: Row): PublishedRecipe {
  const model = models[name.slice(0, -'-w2a2'.length) as keyof typeof models];
  return {
    model,
    design: {
      plan: ofqPlan(model, Number(name.at(-1)) as 2 | 3 | 4),
      weights: 'statsq',
      attention: 'qkr',
    },
    recipe: {
      seed: 42,
      epochs: 300,
      cooldownEpochs: 10,
      minLearningRate: publishedSchedule.learningRate,
      warmupLearningRate: 1e-6,
      scheduled: 'epoch',
      labels: 'data',
      batchSize: gpus * imagesPerGpu,
      ...numbers,
      augmentation: augmentation(model.imageSize, mixed, repeats),
      annealing: {
        epochs: publishedSchedule.epochs,
        boundaryRange: publishedSchedule.boundaryRange,
        queryKey: false,
      },
    },
    calibrationImages: imagesPerGpu,
  };
}

/** timm's `rand-m9-mstd0.5-inc1`, and what stands around it. */
function augmentation(size: number, mixed: boolean, repeats: number): Augmentation {
  return {
    randomResizedCrop: { size },
    flip: true,
    randAugment: { magnitude: 9, magnitudeStd: 0.5 },
    ...(mixed && {
      mixing: { mixup: 0.8, cutmix: 1, probability: 1, switchProbability: 0.5, labelSmoothing: 0.1 },
    }),
    randomErasing: { probability: 0.25 },
    ...(repeats > 1 && { repeats }),
  };
}
