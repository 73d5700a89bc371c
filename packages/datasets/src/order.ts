import { random } from '@proj/random';
import { DatasetError } from './errors.ts';
import { checkCount } from './indices.ts';

/** The order in which an epoch visits the images: a permutation of 0..length-1, from (seed, epoch) alone. */
export function epochOrder(length: number, seed: number, epoch: number): Uint32Array {
  checkCount(length, 0, 'length');
  checkCount(epoch, 0, 'epoch');
  return random(seed, 'order', epoch).permutation(length);
}

/** The visits of an epoch with repeated augmentation: which image, and how often it has been there before. */
export interface RepeatedOrder {
  readonly indices: Uint32Array;
  readonly occurrences: Uint32Array;
}

/**
 * `epochOrder` with every image `repeats` times in a row, cut off after as many visits as there are images: what all of timm's
 * `RepeatAugSampler`s hand out together, so that a batch holds the repeats of an image side by side.
 *
 * Unlike timm's, an epoch is not rounded down to a multiple of 256 visits.
 */
export function repeatedOrder(length: number, seed: number, epoch: number, repeats: number): RepeatedOrder {
  checkCount(repeats, 1, 'repeats');
  const order = epochOrder(length, seed, epoch);
  return {
    indices: Uint32Array.from(order, (_, i) => order[Math.floor(i / repeats)]!),
    occurrences: Uint32Array.from(order, (_, i) => i % repeats),
  };
}

export interface EpochShape {
  /** Number of images. */
  readonly length: number;
  readonly batchSize: number;
  /** Leaves out a last batch that is not full; kept by default. */
  readonly dropLast?: boolean;
}

/** How many batches an epoch has. @throws {DatasetError} `DS_BAD_OPTION` for sizes that are no counts. */
export function stepsPerEpoch({ length, batchSize, dropLast = false }: EpochShape): number {
  checkCount(length, 0, 'length');
  checkCount(batchSize, 1, 'batchSize');
  return dropLast ? Math.floor(length / batchSize) : Math.ceil(length / batchSize);
}

export interface BatchPosition extends EpochShape {
  readonly seed: number;
  readonly epoch: number;
  /** Counted from 0 within the epoch. */
  readonly step: number;
  /** As in `Augmentation`; 1 unless given. */
  readonly repeats?: number;
}

/**
 * The indices of one batch, without having drawn those before it: whoever knows (seed, epoch, step) can go on from there.
 *
 * @throws {DatasetError} `DS_BAD_OPTION` when the epoch has no such step.
 */
export function batchIndices(position: BatchPosition): Uint32Array {
  const { length, batchSize, seed, epoch, step, repeats = 1 } = position;
  const steps = stepsPerEpoch(position);
  checkCount(step, 0, 'step');
  if (step >= steps) {
    throw new DatasetError(
      'DS_BAD_OPTION',
      `step ${step} is not in an epoch of ${steps} steps, counted from 0.`,
    );
  }
  const { indices } = repeatedOrder(length, seed, epoch, repeats);
  return indices.slice(step * batchSize, (step + 1) * batchSize);
}
