import { batches, type ImageDataset } from '@proj/datasets';
import { toTensors } from '@proj/tensor-io/tfjs';
import { type EvaluateOptions, nextTurn, TrainerError } from '@proj/trainer';
import { dispose, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { requireFit, toTensorBatch } from '../batch.ts';
import { RecipeError } from '../error.ts';
import { floatLogits, floatParameters, type QuantizedClassifier, quantizedLogits } from './forward.ts';
import { type Beside, compareLogits, type Judgement, judgeLogits } from './judge.ts';
import type { FloatModel } from './options.ts';

export interface EvaluateModelOptions extends Pick<EvaluateOptions, 'progress' | 'signal'> {
  readonly dataset: ImageDataset;
  readonly batchSize: number;
  /** Names of the model's classes in the order of its logits, to be compared with the data set's; not where `classes` are given. */
  readonly classNames?: readonly string[] | undefined;
  /**
   * The model's class for each of the data set's: a subset of the logits, which then are all there are. Of ImageNet's 1,000 the 200 of
   * Tiny-ImageNet, for example (`imagenet1k_index`).
   */
  readonly classes?: readonly number[] | undefined;
}

export interface EvaluateQuantizedOptions extends EvaluateModelOptions {
  readonly model: QuantizedClassifier;
  /** A float model to be compared with. */
  readonly teacher?: FloatModel | undefined;
}

/** What a model makes of one image. */
export interface ImageResult extends Judgement {
  /** Index in the data set. */
  readonly image: number;
  /** Class of the data set. */
  readonly label: number;
  /** Beside the teacher, where there is one. */
  readonly beside?: Beside;
}

/** Means over all images; intervals can be had from `images`, by drawing them again. */
export interface ModelEvaluation {
  /** Share of images whose largest logit is that of their class, 0 to 1. */
  readonly top1: number;
  readonly count: number;
  /** Mean cross-entropy in nats. */
  readonly loss: number;
  /** Share of images for which the teacher's largest logit is that of the same class. */
  readonly agreement?: number;
  /** Mean KL(teacher || model) in nats, at temperature 1. */
  readonly divergence?: number;
  readonly imagesPerSecond: number;
  /** In stored order. */
  readonly images: readonly ImageResult[];
}

/**
 * How good a quantized model is on a data set, in stored order, and how near to a float one.
 *
 * @throws {RecipeError} `RECIPE_IMAGE_SIZE`, `RECIPE_CLASSES`; `VitError` where the teacher's weights do not fit; `TrainerError`
 * `TRAINER_NOT_FINITE` for a logit that is NaN or infinite, `TRAINER_EVALUATION_EMPTY`.
 */
export async function evaluateQuantized(options: EvaluateQuantizedOptions): Promise<ModelEvaluation> {
  const { model, teacher } = options;
  requireClasses(options, model.config);
  const teacherParameters = teacher && toTensors(floatParameters(teacher.config, teacher.state));
  try {
    return await evaluateModel(
      options,
      model.config,
      (images) => quantizedLogits(model, images),
      teacher && ((images) => floatLogits(teacher.config, teacherParameters!, images)),
    );
  } finally {
    if (teacherParameters !== undefined) dispose([...teacherParameters.values()]);
  }
}

/**
 * The same for a float model, ViT or Swin.
 *
 * @throws as {@link evaluateQuantized}.
 */
export async function evaluateFloat(
  options: EvaluateModelOptions & { readonly model: FloatModel },
): Promise<ModelEvaluation> {
  const { config, state } = options.model;
  requireClasses(options, config);
  const parameters = toTensors(floatParameters(config, state));
  try {
    return await evaluateModel(options, config, (images) => floatLogits(config, parameters, images));
  } finally {
    dispose([...parameters.values()]);
  }
}

type Forward = (images: Tensor) => Tensor;

async function evaluateModel(
  { dataset, batchSize, classes, progress, signal }: EvaluateModelOptions,
  config: FloatModel['config'],
  forward: Forward,
  teacher?: Forward,
): Promise<ModelEvaluation> {
  const images: ImageResult[] = [];
  let correct = 0;
  const started = performance.now();
  for await (const batch of batches(dataset, { batchSize })) {
    const tensors = toTensorBatch(batch, config);
    try {
      const own = await rows(forward, tensors.images, classes);
      const theirs = teacher && (await rows(teacher, tensors.images, classes));
      for (const [row, logits] of own.entries()) {
        const [image, label] = [batch.indices[row]!, batch.labels[row]!];
        const judged = judgeLogits(logits, label);
        if (judged.predicted === label) correct++;
        const beside = theirs && { beside: compareLogits(logits, theirs[row]!) };
        images.push({ image, label, ...judged, ...beside });
      }
    } finally {
      dispose(Object.values(tensors));
    }
    progress?.({ count: images.length, top1: correct / images.length });
    await nextTurn();
    signal?.throwIfAborted();
  }
  const count = images.length;
  if (count === 0) {
    throw new TrainerError('TRAINER_EVALUATION_EMPTY', `${dataset.name} has no image to evaluate.`);
  }
  const imagesPerSecond = (1000 * count) / (performance.now() - started);
  const mean = (of: (result: ImageResult) => number): number =>
    images.reduce((sum, result) => sum + of(result), 0) / count;
  return {
    top1: correct / count,
    count,
    loss: mean(({ loss }) => loss),
    ...(teacher && {
      agreement: mean(({ predicted, beside }) => Number(predicted === beside!.predicted)),
      divergence: mean(({ beside }) => beside!.divergence),
    }),
    imagesPerSecond,
    images,
  };
}

/** Logits of each image, of all classes or of those asked for. */
async function rows(
  forward: Forward,
  images: Tensor,
  classes: readonly number[] | undefined,
): Promise<Float32Array[]> {
  const output = tidy(() => forward(images));
  const [count, width] = output.shape as [number, number];
  const logits = (await output.data()) as Float32Array;
  output.dispose();
  const at = logits.findIndex((logit) => !Number.isFinite(logit));
  if (at >= 0) {
    throw new TrainerError(
      'TRAINER_NOT_FINITE',
      `the logit of class ${at % width} for image ${Math.floor(at / width)} of a batch is ${logits[at]}; the model's parameters or that image are damaged.`,
    );
  }
  return Array.from({ length: count }, (_, row) => {
    const all = logits.slice(row * width, (row + 1) * width);
    return classes === undefined ? all : Float32Array.from(classes, (index) => all[index]!);
  });
}

function requireClasses(options: EvaluateModelOptions, config: FloatModel['config']): void {
  const { dataset, classes, classNames } = options;
  requireFit(dataset, config, classes === undefined ? classNames : []);
  if (classes === undefined) return;
  const fits = classes.every((index) => Number.isInteger(index) && index >= 0 && index < config.classes);
  if (fits && classes.length === dataset.classNames.length && new Set(classes).size === classes.length)
    return;
  throw new RecipeError(
    'RECIPE_CLASSES',
    `classes must name one of the ${config.classes} classes of ${config.name} for each of the ${dataset.classNames.length} of ${dataset.name}, no two of them the same.`,
  );
}
