import { random } from '@proj/random';
import { DatasetError } from './errors.ts';
import { checkCount } from './indices.ts';
import { checkRandAugment, type RandAugment, randAugment } from './rand-augment/rand-augment.ts';
import {
  checkRandomResizedCrop,
  drawInterpolation,
  drawWindow,
  type RandomResizedCrop,
  resizedCrop,
} from './random-resized-crop.ts';
import type { Pixels } from './resize.ts';

/** What happens to each image on its own, in this order: a crop, a flip, RandAugment. */
export interface ImageAugmentation {
  /** torchvision's `RandomCrop(size, padding=cropPadding)`: zeros on every side, then a window of the old size anywhere. */
  readonly cropPadding?: number;
  /** A window of random area and shape, resized; instead of `cropPadding`. */
  readonly randomResizedCrop?: RandomResizedCrop;
  /** torchvision's `RandomHorizontalFlip(0.5)`: whether every second image, by chance, is mirrored left to right. */
  readonly flip?: boolean;
  readonly randAugment?: RandAugment;
}

export interface AugmentOptions extends ImageAugmentation {
  readonly seed: number;
  readonly epoch: number;
  /** Index in the data set of every image given. */
  readonly indices: ArrayLike<number>;
  /** How often each has been there before in this epoch, where augmentation is repeated; 0 unless given. */
  readonly occurrences?: ArrayLike<number>;
}

/** Of one image. */
export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** The size of augmented images: `randomResizedCrop.size` where that is given, else the stored one. */
export function augmentedSize(
  { height, width }: { readonly height: number; readonly width: number },
  { randomResizedCrop }: ImageAugmentation = {},
): { height: number; width: number } {
  const size = randomResizedCrop?.size;
  return { height: size ?? height, width: size ?? width };
}

/**
 * Crops, mirrors and changes uint8 images [n, height, width, channels], into new memory [n, ...augmentedSize, channels].
 *
 * What happens to an image depends on (seed, epoch, its index, its occurrence) alone, never on the batch it is in; and each
 * augmentation draws for itself, so that switching one off leaves the others as they were.
 *
 * @throws {DatasetError} `DS_BAD_DATA` when the bytes are not those of one image per index, `DS_BAD_OPTION` for options out of
 * their range.
 */
export function augment(images: Uint8Array, shape: ImageShape, options: AugmentOptions): Uint8Array {
  const { seed, epoch, indices, occurrences } = options;
  checkImageAugmentation(options, shape);
  checkCount(epoch, 0, 'epoch');
  const { height, width, channels } = shape;
  const imageBytes = height * width * channels;
  if (images.length !== indices.length * imageBytes) {
    throw new DatasetError(
      'DS_BAD_DATA',
      `${indices.length} indices and images of ${height} x ${width} x ${channels} need ${indices.length * imageBytes} bytes, got ${images.length}.`,
    );
  }
  const { height: outHeight, width: outWidth } = augmentedSize(shape, options);
  const outBytes = outHeight * outWidth * channels;
  const out = new Uint8Array(indices.length * outBytes);
  for (let i = 0; i < indices.length; i++) {
    const data = images.subarray(i * imageBytes, (i + 1) * imageBytes);
    const at = { seed, epoch, index: indices[i]!, occurrence: occurrences?.[i] ?? 0 };
    out.set(augmentImage({ height, width, channels, data }, options, at), i * outBytes);
  }
  return out;
}

/** One image as `augment` does it, of any size. */
export function augmentImage(
  image: Pixels,
  options: ImageAugmentation,
  place: {
    readonly seed: number;
    readonly epoch: number;
    readonly index: number;
    readonly occurrence: number;
  },
): Uint8Array {
  const { seed, epoch, index, occurrence } = place;
  const path = occurrence === 0 ? [epoch, index] : [epoch, index, occurrence];
  const data = cropAndFlip(image, options, seed, path);
  if (options.randAugment === undefined) return data;
  const cropped = { ...augmentedSize(image, options), channels: image.channels, data };
  return randAugment(cropped, options.randAugment, random(seed, 'rand-augment', ...path));
}

/** @throws {DatasetError} `DS_BAD_OPTION` for options out of their range, or two kinds of crop at once. */
export function checkImageAugmentation(
  { cropPadding = 0, randomResizedCrop, randAugment }: ImageAugmentation,
  { channels }: Pick<ImageShape, 'channels'>,
): void {
  checkCount(cropPadding, 0, 'cropPadding');
  if (randAugment !== undefined) checkRandAugment(randAugment, channels);
  if (randomResizedCrop === undefined) return;
  checkRandomResizedCrop(randomResizedCrop);
  if (cropPadding > 0) {
    throw new DatasetError(
      'DS_BAD_OPTION',
      'cropPadding and randomResizedCrop are two ways to crop; give one of them.',
    );
  }
}

function cropAndFlip(
  image: Pixels,
  { cropPadding = 0, randomResizedCrop, flip = false }: ImageAugmentation,
  seed: number,
  path: readonly number[],
): Uint8Array {
  // All three are always drawn, so that switching one augmentation off leaves the other as it was.
  const stream = random(seed, 'augment', ...path);
  const down = stream.integer(2 * cropPadding + 1) - cropPadding;
  const right = stream.integer(2 * cropPadding + 1) - cropPadding;
  const mirrored = stream.uniform() < 0.5 && flip;
  if (randomResizedCrop === undefined) return shifted(image, down, right, mirrored);
  const crops = random(seed, 'resized-crop', ...path);
  const interpolation = drawInterpolation(randomResizedCrop, crops);
  const window = drawWindow(image, randomResizedCrop, crops);
  const { size } = randomResizedCrop;
  const data = resizedCrop(image, window, size, interpolation);
  return mirrored ? shifted({ height: size, width: size, channels: image.channels, data }, 0, 0, true) : data;
}

/** The window of the same size that lies so far down and right, zeros where it leaves the image; mirrored if asked for. */
function shifted(
  { height, width, channels, data }: Pixels,
  down: number,
  right: number,
  mirrored: boolean,
): Uint8Array {
  const out = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    const fromY = y + down;
    if (fromY < 0 || fromY >= height) continue;
    for (let x = 0; x < width; x++) {
      const fromX = (mirrored ? width - 1 - x : x) + right;
      if (fromX < 0 || fromX >= width) continue;
      const from = (fromY * width + fromX) * channels;
      const to = (y * width + x) * channels;
      for (let c = 0; c < channels; c++) out[to + c] = data[from + c]!;
    }
  }
  return out;
}
