import { random } from '@proj/random';
import { type Draws, seededDraws } from './draws.ts';
import { CorruptionError } from './error.ts';
import { type ImageShape, imageLength, type RawImage } from './image.ts';
import { type CorruptionName, corruptionByName } from './registry.ts';

/**
 * Corrupts one image and returns its bytes [height, width, channels]: `corruptToFloat`, truncated (not rounded) as the
 * benchmark's data sets are.
 *
 * @throws {CorruptionError} as `corruptToFloat`.
 */
export function corrupt(image: RawImage, name: CorruptionName, severity: number, draws: Draws): Uint8Array {
  return new Uint8Array(corruptToFloat(image, name, severity, draws));
}

/**
 * Corrupts one image and returns the values [height, width, channels] in [0, 255] before they become bytes. Constants are
 * those of `constantsSize(image)`. A one-channel image gives the first channel that its RGB copy would, with draws for that
 * channel alone.
 *
 * @throws {CorruptionError} `CORRUPTION_UNKNOWN_NAME`, `CORRUPTION_BAD_SEVERITY`, `CORRUPTION_BAD_SHAPE`,
 * `CORRUPTION_BAD_DATA`, `CORRUPTION_BAD_LENGTH`, `CORRUPTION_TOO_SMALL`, and what `draws` throws.
 */
export function corruptToFloat(
  image: RawImage,
  name: CorruptionName,
  severity: number,
  draws: Draws,
): Float64Array {
  const apply = corruptionByName(name);
  checkSeverity(severity);
  const length = imageLength(image);
  checkBytes(image.data);
  if (image.data.length !== length) {
    throw new CorruptionError(
      'CORRUPTION_BAD_LENGTH',
      `an image of ${describe(image)} has ${length} bytes, got ${image.data.length}.`,
    );
  }
  const values = apply(image, severity, draws);
  draws.finish();
  return values;
}

/**
 * Corrupts images that lie one after the other, [count, height, width, channels] bytes, and returns as many.
 *
 * Image i draws from its own stream `random(seed, name, severity, firstIndex + i)`, so a data set may be corrupted in parts of
 * any size, in any order.
 *
 * @throws {CorruptionError} as `corruptToFloat`; `CORRUPTION_BAD_LENGTH` when the bytes are no whole number of images,
 * `CORRUPTION_BAD_INDEX` when `firstIndex` is no count or leads beyond 2^53 - 1.
 */
export function corruptImages(
  images: Uint8Array,
  shape: ImageShape,
  name: CorruptionName,
  severity: number,
  seed: number,
  firstIndex = 0,
): Uint8Array {
  const length = imageLength(shape);
  checkBytes(images);
  if (images.length % length !== 0) {
    throw new CorruptionError(
      'CORRUPTION_BAD_LENGTH',
      `images of ${describe(shape)} have ${length} bytes each, got ${images.length} bytes in all, ` +
        `${images.length % length} too many.`,
    );
  }
  const count = images.length / length;
  if (!Number.isSafeInteger(firstIndex) || firstIndex < 0 || firstIndex + count > Number.MAX_SAFE_INTEGER) {
    throw new CorruptionError(
      'CORRUPTION_BAD_INDEX',
      `firstIndex counts images from 0, and with the ${count} given to no more than 2^53 - 1, got ${firstIndex}.`,
    );
  }
  corruptionByName(name);
  checkSeverity(severity);
  const { height, width, channels } = shape;
  const corrupted = new Uint8Array(images.length);
  for (let i = 0, at = 0; at < images.length; i++, at += length) {
    const image = { data: images.subarray(at, at + length), height, width, channels };
    const draws = seededDraws(random(seed, name, severity, firstIndex + i));
    corrupted.set(corruptToFloat(image, name, severity, draws), at);
  }
  return corrupted;
}

const describe = ({ height, width, channels }: ImageShape): string => `${height} x ${width} x ${channels}`;

function checkBytes(data: unknown): void {
  if (!(data instanceof Uint8Array)) {
    throw new CorruptionError(
      'CORRUPTION_BAD_DATA',
      `an image is a Uint8Array of levels from 0 to 255, got ${Object.prototype.toString.call(data).slice(8, -1)}.`,
    );
  }
}

function checkSeverity(severity: number): void {
  if (![1, 2, 3, 4, 5].includes(severity)) {
    throw new CorruptionError('CORRUPTION_BAD_SEVERITY', `severity is 1, 2, 3, 4 or 5, got ${severity}.`);
  }
}
