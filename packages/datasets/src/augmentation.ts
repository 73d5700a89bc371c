import { random } from '@proj/random';
import {
  augment,
  augmentedSize,
  augmentImage,
  checkImageAugmentation,
  type ImageAugmentation,
} from './augment.ts';
import type { ImageDataset } from './dataset.ts';
import { checkRandomErasing, drawErasure, type Erasure, type RandomErasing } from './erase.ts';
import { checkCount } from './indices.ts';
import { checkMixing, drawMix, type Mixing, mixedTargets, mixImages } from './mix.ts';
import { readChecked } from './read-checked.ts';
import { readImages } from './read-images.ts';

/** Everything that happens to images between the data set and the model, in timm's order. */
export interface Augmentation extends ImageAugmentation {
  /** Images of a batch are mixed with one another; batches then carry soft `targets`. */
  readonly mixing?: Mixing;
  /** Batches then carry `erasures`, which `erase` applies once the images are normalised. */
  readonly randomErasing?: RandomErasing;
  /**
   * Repeated augmentation (Hoffer et al. 2020): each image that an epoch visits comes so many times in a row, augmented anew, and
   * the epoch, as long as ever, visits as many fewer; 1 unless given.
   */
  readonly repeats?: number;
}

/** Place of a batch, and which images it is of. */
export interface AugmentationPosition {
  readonly seed: number;
  readonly epoch: number;
  readonly step: number;
  readonly indices: Uint32Array;
  /** How often each has been there before in this epoch. */
  readonly occurrences: Uint32Array;
}

export interface AugmentedBatch {
  /** uint8 [b, ...augmentedSize, channels]. */
  readonly images: Uint8Array;
  /** float32 [b, classes], with `mixing`. */
  readonly targets?: Float32Array;
  /** With `randomErasing`. */
  readonly erasures?: readonly Erasure[];
}

/** @throws {DatasetError} `DS_BAD_OPTION` for options out of their range. */
export function checkAugmentation(augmentation: Augmentation, dataset: ImageDataset): void {
  checkImageAugmentation(augmentation, dataset);
  if (augmentation.mixing !== undefined) checkMixing(augmentation.mixing);
  if (augmentation.randomErasing !== undefined) checkRandomErasing(augmentation.randomErasing);
  if (augmentation.repeats !== undefined) checkCount(augmentation.repeats, 1, 'repeats');
}

/** Reads and augments the images of a batch, and draws what is to happen to them later. */
export async function augmentBatch(
  dataset: ImageDataset,
  labels: Int32Array,
  classes: number,
  augmentation: Augmentation,
  position: AugmentationPosition,
): Promise<AugmentedBatch> {
  const { mixing, randomErasing } = augmentation;
  const { seed, epoch, step, indices, occurrences } = position;
  const size = augmentedSize(dataset, augmentation);
  const images = await augmentedImages(dataset, augmentation, position);
  const mix = mixing && drawMix(size, mixing, random(seed, 'mix', epoch, step));
  if (mix !== undefined) mixImages(images, { ...size, channels: dataset.channels }, mix);
  return {
    images,
    ...(mix && { targets: mixedTargets(labels, classes, mix, mixing.labelSmoothing) }),
    ...(randomErasing && {
      erasures: Array.from(indices, (index, i) => {
        const stream = random(seed, 'erase', epoch, index, occurrences[i]!);
        return drawErasure(i, size, randomErasing, stream);
      }).filter((erasure) => erasure !== undefined),
    }),
  };
}

/** Random resized crops are cut from whole images where the data set has them. */
async function augmentedImages(
  dataset: ImageDataset,
  augmentation: Augmentation,
  { seed, epoch, indices, occurrences }: AugmentationPosition,
): Promise<Uint8Array> {
  const { randomResizedCrop } = augmentation;
  if (randomResizedCrop === undefined || dataset.original === undefined) {
    const stored = await readChecked(dataset, indices);
    return augment(stored, dataset, { ...augmentation, seed, epoch, indices, occurrences });
  }
  return readImages(indices.length, randomResizedCrop.size ** 2 * dataset.channels, async (i) => {
    const [index, occurrence] = [indices[i]!, occurrences[i]!];
    return augmentImage(await dataset.original!(index), augmentation, { seed, epoch, index, occurrence });
  });
}
