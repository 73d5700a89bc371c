import { batches, type ImageDataset } from '@proj/datasets';
import type { StateDict } from '@proj/tensor-io';
import { toTensors } from '@proj/tensor-io/tfjs';
import { type Batch, type EvaluateOptions, type Evaluation, evaluate } from '@proj/trainer';
import { checkParameters, floatLayers, type VitConfig, vit } from '@proj/vit';
import { softmax, tidy } from '@tensorflow/tfjs-core';
import { requireFit, toTensorBatch } from './batch.ts';

export interface ClassifierOptions extends Pick<EvaluateOptions, 'progress' | 'signal'> {
  readonly config: VitConfig;
  readonly state: StateDict;
  /** Names of the model's classes in the order of its logits, to be compared with the data set's. */
  readonly classNames?: readonly string[] | undefined;
  readonly dataset: ImageDataset;
  readonly batchSize: number;
}

/**
 * Top-1 accuracy, mean loss and images per second of a model on a data set, in stored order.
 *
 * @throws {RecipeError} when data set and model do not fit; `VitError` when the weights do not; what `evaluate` throws.
 */
export async function evaluateClassifier(options: ClassifierOptions): Promise<Evaluation> {
  const { config, state, classNames, dataset, batchSize, progress, signal } = options;
  requireFit(dataset, config, classNames);
  checkParameters(config, state);
  const parameters = toTensors(state);
  const layers = floatLayers(parameters);
  try {
    return await evaluate({
      forward: (images) => vit(config, layers, images),
      batches: tensorBatches(dataset, config, batchSize),
      ...(progress && { progress }),
      ...(signal && { signal }),
    });
  } finally {
    for (const tensor of parameters.values()) tensor.dispose();
  }
}

async function* tensorBatches(
  dataset: ImageDataset,
  config: VitConfig,
  batchSize: number,
): AsyncGenerator<Batch> {
  for await (const batch of batches(dataset, { batchSize })) yield toTensorBatch(batch, config);
}

/**
 * Class probabilities [indices.length][classes] for some images of a data set.
 *
 * @throws as `evaluateClassifier`.
 */
export async function predict(
  { config, state, dataset }: Pick<ClassifierOptions, 'config' | 'state' | 'dataset'>,
  indices: ArrayLike<number>,
): Promise<Float32Array[]> {
  requireFit(dataset, config);
  checkParameters(config, state);
  const parameters = toTensors(state);
  const labels = Int32Array.from(indices, (index) => dataset.labels[index]!);
  const batch = toTensorBatch({ images: await dataset.images(indices), labels }, config);
  const probabilities = tidy(() => softmax(vit(config, floatLayers(parameters), batch.images)));
  const values = (await probabilities.data()) as Float32Array;
  for (const tensor of [probabilities, batch.images, batch.targets, ...parameters.values()]) tensor.dispose();
  return Array.from(indices, (_, i) => values.slice(i * config.classes, (i + 1) * config.classes));
}
