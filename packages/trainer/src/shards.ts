import type { NamedTensors } from '@proj/ops';
import type { Tensor } from '@tensorflow/tfjs-core';
import { TrainerError } from './error.ts';
import type { Batch } from './gradients.ts';
import { placeTensors, rowsOf, type SharedTensor } from './shared-tensors.ts';

/** One step's work for a worker: everything lies in `memory`, and the gradients are to be written there. */
export interface GradientTask {
  readonly memory: SharedArrayBuffer;
  readonly parameters: readonly SharedTensor[];
  readonly buffers: readonly SharedTensor[];
  readonly batch: readonly SharedTensor[];
  readonly gradients: readonly SharedTensor[];
}

/** What a worker answers when the gradients are written. */
export interface GradientAnswer {
  readonly loss: number;
  /** The values of those buffers that the step changed. */
  readonly buffers: ReadonlyMap<string, ArrayLike<number>>;
}

/** Where everything of a step lies in shared memory. */
export interface StepPlan {
  readonly batch: readonly SharedTensor[];
  /** One for each worker: what all of them read, its rows of the batch, and where its gradients go. */
  readonly shards: readonly Omit<GradientTask, 'memory'>[];
  readonly bytes: number;
}

/**
 * Splits a batch along its first axis and finds a place for all that the workers share.
 *
 * @throws {TrainerError} TRAINER_BATCH_INVALID when the batch cannot be split.
 */
export function planStep(
  parameters: NamedTensors,
  buffers: NamedTensors,
  batch: NamedTensors,
  sizes: readonly number[],
): StepPlan {
  const rows = sizes.reduce((sum, size) => sum + size, 0);
  for (const [name, { shape }] of batch) {
    if (shape[0] !== rows) {
      throw new TrainerError(
        'TRAINER_BATCH_INVALID',
        `"${name}" of the batch has shape [${shape}], but there are ${rows} images; every tensor of a batch that is split needs one row for each image.`,
      );
    }
  }
  const input = placeTensors(parameters, 0);
  const state = placeTensors(buffers, input.end);
  const images = placeTensors(batch, state.end);
  let { end } = images;
  let first = 0;
  const shards = sizes.map((size) => {
    const output = placeTensors(parameters, end);
    const shard = {
      parameters: input.places,
      buffers: state.places,
      batch: images.places.map((place) => rowsOf(place, first, size)),
      gradients: output.places,
    };
    end = output.end;
    first += size;
    return shard;
  });
  return { batch: images.places, shards, bytes: end };
}

/** A batch again from its tensors by name. */
export function toBatch<B extends Batch>(tensors: NamedTensors): B {
  return Object.fromEntries<Tensor>(tensors) as unknown as B;
}

/**
 * Rows of each worker's shard of a batch: as equal as can be, the smaller ones first, since worker 0 also reduces.
 *
 * @throws {TrainerError} TRAINER_BATCH_INVALID when there are fewer rows than workers.
 */
export function shardSizes(rows: number, workers: number): number[] {
  if (rows < workers) {
    throw new TrainerError(
      'TRAINER_BATCH_INVALID',
      `a batch of ${rows} cannot be split among ${workers} workers; use larger batches or fewer workers.`,
    );
  }
  const smaller = workers - (rows % workers);
  return Array.from(
    { length: workers },
    (_, worker) => Math.floor(rows / workers) + (worker < smaller ? 0 : 1),
  );
}
