import { type Augmentation, augment } from './augment.ts';
import type { ImageDataset } from './dataset.ts';
import { DatasetError } from './errors.ts';
import { checkCount } from './indices.ts';
import { epochOrder, stepsPerEpoch } from './order.ts';
import { readChecked } from './read-checked.ts';

export interface Batch {
  /** uint8 [b, height, width, channels]. */
  readonly images: Uint8Array;
  /** int32 [b]. */
  readonly labels: Int32Array;
  /** Index of every image in the data set. */
  readonly indices: Uint32Array;
  /** Counted from 0 within the epoch. */
  readonly step: number;
}

interface BatchForm {
  readonly batchSize: number;
  /** Where to begin, 0 unless resuming; the batches are those an uninterrupted epoch has from there on. */
  readonly firstStep?: number;
  /** Leaves out a last batch that is not full; kept by default. */
  readonly dropLast?: boolean;
}

/** With a seed: in `epochOrder`, augmented if asked for. Without: in stored order, as it is. */
export type BatchesOptions = BatchForm &
  (
    | { readonly seed: number; readonly epoch: number; readonly augment?: Augmentation }
    | { readonly seed?: never; readonly epoch?: never; readonly augment?: never }
  );

/**
 * One epoch of a data set, batch by batch; the next batch is read while the current one is worked on.
 *
 * @throws {DatasetError} `DS_BAD_OPTION` when sizes are no counts, `firstStep` lies behind the epoch's end, `dropLast` leaves
 * nothing, or `augment` is given without a seed; while reading, `DS_BAD_DATA` when the data set gives another number of bytes.
 */
export function batches(
  dataset: ImageDataset,
  options: BatchesOptions,
): AsyncGenerator<Batch, void, undefined> {
  const { batchSize, firstStep = 0, dropLast = false } = options;
  const { length, name } = dataset;
  const steps = stepsPerEpoch({ length, batchSize, dropLast });
  checkCount(firstStep, 0, 'firstStep');
  if (firstStep > steps) {
    throw new DatasetError(
      'DS_BAD_OPTION',
      `${name}: firstStep ${firstStep} lies behind the epoch's ${steps} steps.`,
    );
  }
  if (steps === 0 && length > 0) {
    throw new DatasetError(
      'DS_BAD_OPTION',
      `${name}: dropLast leaves nothing of ${length} images in batches of ${batchSize}; use a smaller batchSize.`,
    );
  }
  if (options.seed === undefined && options.augment !== undefined) {
    throw new DatasetError(
      'DS_BAD_OPTION',
      `${name}: augment draws at random, which needs a seed and an epoch; give both or leave augment out.`,
    );
  }
  const order =
    options.seed === undefined
      ? Uint32Array.from({ length }, (_, i) => i)
      : epochOrder(length, options.seed, options.epoch);

  async function load(step: number): Promise<Batch> {
    const indices = order.slice(step * batchSize, (step + 1) * batchSize);
    const labels = Int32Array.from(indices, (index) => dataset.labels[index]!);
    const stored = await readChecked(dataset, indices);
    if (options.seed === undefined || options.augment === undefined) {
      return { images: stored, labels, indices, step };
    }
    const { seed, epoch } = options;
    return {
      images: augment(stored, dataset, { ...options.augment, seed, epoch, indices }),
      labels,
      indices,
      step,
    };
  }

  return inTurn(firstStep, steps, load);
}

async function* inTurn(
  first: number,
  steps: number,
  load: (step: number) => Promise<Batch>,
): AsyncGenerator<Batch, void, undefined> {
  if (first >= steps) return;
  let next = load(first);
  for (let step = first; step < steps; step++) {
    const batch = await next;
    if (step + 1 < steps) {
      next = load(step + 1);
      next.catch(() => {}); // A failure is thrown when that batch's turn comes, and not at all if nobody asks for it.
    }
    yield batch;
  }
}
