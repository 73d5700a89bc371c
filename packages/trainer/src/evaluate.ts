import { dispose, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { TrainerError } from './error.ts';
import { nextTurn } from './event-loop.ts';
import type { Batch } from './gradients.ts';

export interface EvaluateOptions {
  /** Images [B, ...] to logits float32 [B, C]; runs inside `tf.tidy`. */
  readonly forward: (images: Tensor) => Tensor;
  /** Targets int32 [B]. The tensors are consumed. */
  readonly batches: Iterable<Batch> | AsyncIterable<Batch>;
  /** Called after each batch with what is known so far. */
  readonly progress?: (soFar: { readonly count: number; readonly top1: number }) => void;
  /** When aborted, the evaluation ends by throwing the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface Evaluation {
  /** Share of images whose largest logit is that of their class (the first of equal ones counts), 0 to 1. */
  readonly top1: number;
  readonly count: number;
  /** Mean cross-entropy in nats, summed in float64. */
  readonly loss: number;
  /** By class index. */
  readonly perClass: readonly { readonly correct: number; readonly count: number }[];
  readonly imagesPerSecond: number;
}

/**
 * Accuracy and loss of a model over batches.
 *
 * @throws {TrainerError} TRAINER_EVALUATION_EMPTY without images, TRAINER_BATCH_INVALID when logits and targets do not
 * fit together, TRAINER_LABEL_OUT_OF_RANGE, TRAINER_NOT_FINITE for a logit that is NaN or infinite.
 */
export async function evaluate({ forward, batches, progress, signal }: EvaluateOptions): Promise<Evaluation> {
  const perClass: { correct: number; count: number }[] = [];
  let count = 0;
  let correct = 0;
  let totalLoss = 0;
  const started = performance.now();
  for await (const batch of batches) {
    const { logits, labels, classes } = await scores(forward, batch);
    while (perClass.length < classes) perClass.push({ correct: 0, count: 0 });
    for (const [row, label] of labels.entries()) {
      const values = logits.subarray(row * classes, (row + 1) * classes);
      const { best, loss } = judge(values, label, count);
      const hit = best === label ? 1 : 0;
      perClass[label]!.correct += hit;
      perClass[label]!.count++;
      correct += hit;
      totalLoss += loss;
      count++;
    }
    progress?.({ count, top1: correct / count });
    await nextTurn();
    signal?.throwIfAborted();
  }
  if (count === 0) {
    throw new TrainerError(
      'TRAINER_EVALUATION_EMPTY',
      'there was no image to evaluate; pass at least one batch.',
    );
  }
  const imagesPerSecond = (1000 * count) / (performance.now() - started);
  return { top1: correct / count, count, loss: totalLoss / count, perClass, imagesPerSecond };
}

async function scores(
  forward: (images: Tensor) => Tensor,
  batch: Batch,
): Promise<{ logits: Float32Array; labels: Int32Array; classes: number }> {
  try {
    const { images, targets } = batch;
    const output = tidy(() => forward(images));
    const [rows, classes] = output.shape;
    const logits = (await output.data()) as Float32Array;
    const labels = (await targets.data()) as Int32Array;
    output.dispose();
    if (output.rank !== 2 || targets.dtype !== 'int32' || targets.shape.join() !== `${rows}`) {
      throw new TrainerError(
        'TRAINER_BATCH_INVALID',
        `logits have shape [${output.shape}] and targets ${targets.dtype} [${targets.shape}]; wanted are [B, C] and int32 [B].`,
      );
    }
    return { logits, labels, classes: classes! };
  } finally {
    dispose(Object.values(batch));
  }
}

/** The first largest logit, and -log softmax at the label. `image` counts from 0 over the whole evaluation. */
function judge(logits: Float32Array, label: number, image: number): { best: number; loss: number } {
  if (label < 0 || label >= logits.length) {
    throw new TrainerError(
      'TRAINER_LABEL_OUT_OF_RANGE',
      `image ${image} has label ${label}, but the model knows the classes 0 to ${logits.length - 1}; check that data set and model belong together.`,
    );
  }
  let best = 0;
  for (const [i, logit] of logits.entries()) {
    if (!Number.isFinite(logit)) {
      throw new TrainerError(
        'TRAINER_NOT_FINITE',
        `the logit of class ${i} for image ${image} is ${logit}; the model's parameters or that image are damaged.`,
      );
    }
    if (logit > logits[best]!) best = i;
  }
  const top = logits[best]!;
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - top), 0);
  return { best, loss: top + Math.log(sum) - logits[label]! };
}
