import { type Augmentation, augmentBatch, checkAugmentation } from './augmentation.ts';
import type { ImageDataset } from './dataset.ts';
import type { Erasure } from './erase.ts';
import { DatasetError } from './errors.ts';
import { checkCount } from './indices.ts';
import { repeatedOrder, stepsPerEpoch } from './order.ts';
import { readChecked } from './read-checked.ts';

export interface Batch {
  /** uint8 [b, height, width, channels], of `augmentedSize(dataset, augment)`. */
  readonly images: Uint8Array;
  /** int32 [b]. */
  readonly labels: Int32Array;
  /** float32 [b, classes]: soft targets, where `augment.mixing` is on. */
  readonly targets?: Float32Array;
  /** What `erase` is to apply to the images once they are normalised, where `augment.randomErasing` is on. */
  readonly erasures?: readonly Erasure[];
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
  /** Columns of soft targets, where the model knows more classes than the data set has; as many as that has unless given. */
  readonly classes?: number;
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
 * nothing, `augment` is given without a seed or with options out of their range, or `classes` are fewer than the data set's; while reading, `DS_BAD_DATA` when the data set gives another number of bytes.
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
  if (options.augment !== undefined) checkAugmentation(options.augment, dataset);
  const { classes = dataset.classNames.length } = options;
  checkCount(classes, dataset.classNames.length, 'classes');
  const order =
    options.seed === undefined
      ? { indices: Uint32Array.from({ length }, (_, i) => i), occurrences: new Uint32Array(length) }
      : repeatedOrder(length, options.seed, options.epoch, options.augment?.repeats ?? 1);

  async function load(step: number): Promise<Batch> {
    const from = step * batchSize;
    const indices = order.indices.slice(from, from + batchSize);
    const occurrences = order.occurrences.slice(from, from + batchSize);
    const labels = Int32Array.from(indices, (index) => dataset.labels[index]!);
    if (options.seed === undefined || options.augment === undefined) {
      const images = await readChecked(dataset, indices);
      return { images, labels, indices, step };
    }
    const { seed, epoch } = options;
    const position = { seed, epoch, step, indices, occurrences };
    const augmented = await augmentBatch(dataset, labels, classes, options.augment, position);
    return { ...augmented, labels, indices, step };
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
