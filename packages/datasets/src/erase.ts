import { type RandomStream, random } from '@proj/random';
import { DatasetError } from './errors.ts';
import { checkCount } from './indices.ts';
import { checkProbability } from './options.ts';
import { roundHalfEven } from './rounding.ts';

/** Random erasing (Zhong et al. 2020) as timm does it with `mode='pixel'` and one box an image. */
export interface RandomErasing {
  /** With which an image loses a box. */
  readonly probability: number;
}

/** A box of one image of a batch that is to become noise. Plain data: `erase` needs nothing else. */
export interface Erasure {
  /** Place in the batch. */
  readonly image: number;
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
  /** Of the noise. */
  readonly seed: number;
}

/** Share of the image's area. */
const areas = [0.02, 1 / 3] as const;
/** Height over width, uniform in its logarithm. */
const shapes = [0.3, 1 / 0.3] as const;

/** @throws {DatasetError} `DS_BAD_OPTION` for a probability outside 0 to 1. */
export const checkRandomErasing = ({ probability }: RandomErasing): void =>
  checkProbability(probability, 'randomErasing.probability');

/** A box for one image, or none: by chance, or because ten drawn boxes were too large. */
export function drawErasure(
  image: number,
  { height, width }: { readonly height: number; readonly width: number },
  { probability }: RandomErasing,
  stream: RandomStream,
): Erasure | undefined {
  if (stream.uniform() >= probability) return undefined;
  const [narrow, wide] = [Math.log(shapes[0]), Math.log(shapes[1])];
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = height * width * (areas[0] + (areas[1] - areas[0]) * stream.uniform());
    const shape = Math.exp(narrow + (wide - narrow) * stream.uniform());
    const h = roundHalfEven(Math.sqrt(area * shape));
    const w = roundHalfEven(Math.sqrt(area / shape));
    if (h >= height || w >= width) continue;
    const top = stream.integer(height - h + 1);
    const left = stream.integer(width - w + 1);
    return { image, top, left, height: h, width: w, seed: stream.integer(2 ** 31) };
  }
  return undefined;
}

export interface ErasedShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/**
 * Fills the boxes of a batch's `erasures` with standard normal noise, in place.
 *
 * It belongs after normalisation, where such noise has the images' own mean and deviation; bytes cannot hold it. That is why
 * `batches` only draws the boxes.
 *
 * @param images float32 [b, channels, height, width], normalised.
 * @throws {DatasetError} `DS_BAD_DATA` when a box does not lie in the images given.
 */
export function erase(
  images: Float32Array,
  { height, width, channels }: ErasedShape,
  erasures: readonly Erasure[],
): void {
  for (const [name, size] of Object.entries({ height, width, channels })) checkCount(size, 1, name);
  const plane = height * width;
  for (const box of erasures) {
    const end = (box.image + 1) * channels * plane;
    if (end > images.length || box.top + box.height > height || box.left + box.width > width) {
      throw new DatasetError(
        'DS_BAD_DATA',
        `an erasure of ${box.height} x ${box.width} at ${box.top}, ${box.left} of image ${box.image} does not lie in ` +
          `${images.length / (plane * channels)} images of ${height} x ${width} x ${channels}.`,
      );
    }
    const { normal } = random(box.seed, 'erased');
    for (let channel = 0; channel < channels; channel++) {
      for (let y = box.top; y < box.top + box.height; y++) {
        const row = ((box.image * channels + channel) * height + y) * width + box.left;
        for (let x = 0; x < box.width; x++) images[row + x] = normal();
      }
    }
  }
}
