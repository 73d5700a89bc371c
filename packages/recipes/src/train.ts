import { type Augmentation, batches, type ImageDataset, stepsPerEpoch } from '@proj/datasets';
import type { StateDict } from '@proj/tensor-io';
import { toTensors } from '@proj/tensor-io/tfjs';
import {
  adamw,
  type Batch,
  type Config,
  cosine,
  type TrainEvent,
  type TrainOptions,
  train,
} from '@proj/trainer';
import { checkParameters, initVit, type VitConfig } from '@proj/vit';
import { asAugmented, requireFit, toTensorBatch } from './batch.ts';
import { datasetFingerprint } from './fingerprint.ts';
import { type ClassifierWorkers, oneWorker } from './gradients.ts';
import { sequential } from './sequential.ts';

/** How to train: AdamW with timm's decay groups, cosine with linear warm-up read at every step, cross-entropy. */
export interface ClassifierRecipe {
  readonly seed: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly minLearningRate: number;
  readonly warmupEpochs: number;
  readonly weightDecay: number;
  readonly augmentation?: Augmentation;
}

export interface TrainClassifierOptions<E = never>
  extends Pick<TrainOptions<Batch, E>, 'evaluate' | 'checkpoints' | 'resume' | 'signal'> {
  readonly config: VitConfig;
  readonly recipe: ClassifierRecipe;
  readonly dataset: ImageDataset;
  /** Weights to start from; without them `initVit(config, recipe.seed)`. */
  readonly start?: StateDict;
  /** Names of the classes that `start` knows in the order of its logits, to be compared with the data set's. */
  readonly classNames?: readonly string[] | undefined;
  /** Default: this thread alone. */
  readonly workers?: ClassifierWorkers | undefined;
  /** What else the run depends on, to be compared on resume: the start weights, the kernels. */
  readonly provenance?: Config;
}

/**
 * Trains a vision transformer on a data set (corrupted or not), telling what happens: the trainer's events.
 * A last batch that is not full is left out, so that every step has the same shape.
 *
 * Checkpoints carry the recipe and a fingerprint of the data: labels, and the images where they lie in memory.
 *
 * @throws {RecipeError} when data set and model do not fit; `VitError` when `start` does not; what `train` throws.
 */
export function trainClassifier<E = never>(
  options: TrainClassifierOptions<E>,
): AsyncGenerator<TrainEvent<E>, void, void> {
  const { config, dataset, start } = options;
  requireFit(asAugmented(dataset, options.recipe.augmentation), config, options.classNames);
  if (start !== undefined) checkParameters(config, start);
  return events(options);
}

async function* events<E>(options: TrainClassifierOptions<E>): AsyncGenerator<TrainEvent<E>, void, void> {
  const { config, recipe, dataset, start, workers = oneWorker } = options;
  const { batchSize, epochs, seed, augmentation } = recipe;
  const steps = stepsPerEpoch({ length: dataset.length, batchSize, dropLast: true });
  const inTurn = sequential((epoch, firstStep) =>
    batches(dataset, {
      batchSize,
      seed,
      epoch,
      firstStep,
      dropLast: true,
      classes: config.classes,
      ...(augmentation && { augment: augmentation }),
    }),
  );
  const fingerprint = await datasetFingerprint(dataset);
  const gradients = workers.start(config);
  try {
    yield* train<Batch, E>({
      parameters: start === undefined ? initVit(config, seed) : toTensors(start),
      valueAndGradients: gradients.valueAndGradients,
      optimizer: adamw({
        learningRate: cosine({
          base: recipe.learningRate,
          min: recipe.minLearningRate,
          warmup: Math.round(recipe.warmupEpochs * steps),
          warmupFrom: 0,
          total: epochs * steps,
        }),
        weightDecay: recipe.weightDecay,
      }),
      epochs,
      stepsPerEpoch: steps,
      batch: async (epoch, step) => toTensorBatch(await inTurn(epoch, step), config),
      config: {
        ...recipeConfig(config, recipe, dataset),
        ...fingerprint,
        workers: workers.count,
        ...options.provenance,
      },
      ...(options.evaluate && { evaluate: options.evaluate }),
      ...(options.checkpoints && { checkpoints: options.checkpoints }),
      ...(options.resume && { resume: options.resume }),
      ...(options.signal && { signal: options.signal }),
    });
  } finally {
    await gradients.close();
  }
}

/** What a run depends on, flat, as checkpoints store it. */
function recipeConfig(config: VitConfig, recipe: ClassifierRecipe, dataset: ImageDataset): Config {
  const { augmentation, ...numbers } = recipe;
  const { cropPadding = 0, flip = false, ...more } = augmentation ?? {};
  return {
    model: config.name,
    classes: config.classes,
    dataset: dataset.name,
    images: dataset.length,
    ...numbers,
    cropPadding,
    flip,
    ...(Object.keys(more).length > 0 && { augmentation: JSON.stringify(more) }),
  };
}
