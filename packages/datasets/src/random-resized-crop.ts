import type { RandomStream } from '@proj/random';
import { checkCount } from './indices.ts';
import { checkRange } from './options.ts';
import { axis, type Interpolation, resample } from './resample.ts';
import type { Pixels } from './resize.ts';
import { roundHalfEven } from './rounding.ts';

/** A window of random area and shape, resized to a square: torchvision's `RandomResizedCrop`, timm's with random interpolation. */
export interface RandomResizedCrop {
  /** Height and width of what comes out, whatever the stored images have. */
  readonly size: number;
  /** Share of the image's area; [0.08, 1] unless given. */
  readonly scale?: readonly [number, number];
  /** Width over height, drawn uniformly in its logarithm; [3/4, 4/3] unless given. */
  readonly ratio?: readonly [number, number];
  /** One of bilinear and bicubic by chance unless given. */
  readonly interpolation?: Interpolation | 'random';
}

/** Where a window lies in an image. */
export interface CropWindow {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

const defaultScale = [0.08, 1] as const;
const defaultRatio = [3 / 4, 4 / 3] as const;

/** @throws {DatasetError} `DS_BAD_OPTION` for a size below 1 or empty ranges. */
export function checkRandomResizedCrop(crop: RandomResizedCrop): void {
  checkCount(crop.size, 1, 'randomResizedCrop.size');
  checkRange(crop.scale ?? defaultScale, 1, 'randomResizedCrop.scale');
  checkRange(crop.ratio ?? defaultRatio, Number.POSITIVE_INFINITY, 'randomResizedCrop.ratio');
}

/**
 * A window, by rejection: ten tries, then the largest central one whose shape is allowed.
 */
export function drawWindow(
  { height, width }: { readonly height: number; readonly width: number },
  { scale = defaultScale, ratio = defaultRatio }: Pick<RandomResizedCrop, 'scale' | 'ratio'>,
  stream: RandomStream,
): CropWindow {
  const [narrowest, widest] = ratio;
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = height * width * between(scale, stream);
    const shape = Math.exp(between([Math.log(narrowest), Math.log(widest)], stream));
    const w = roundHalfEven(Math.sqrt(area * shape));
    const h = roundHalfEven(Math.sqrt(area / shape));
    if (w > width || h > height || w < 1 || h < 1) continue;
    return {
      top: stream.integer(height - h + 1),
      left: stream.integer(width - w + 1),
      height: h,
      width: w,
    };
  }
  const shape = width / height;
  const w = shape > widest ? Math.max(1, roundHalfEven(height * widest)) : width;
  const h = shape < narrowest ? Math.max(1, roundHalfEven(width / narrowest)) : height;
  return { top: (height - h) >> 1, left: (width - w) >> 1, height: h, width: w };
}

const between = ([low, high]: readonly [number, number], stream: RandomStream): number =>
  low + (high - low) * stream.uniform();

/** The interpolation of one crop, drawn where that is asked for. */
export function drawInterpolation(
  { interpolation = 'random' }: RandomResizedCrop,
  stream: RandomStream,
): Interpolation {
  const drawn = stream.uniform() < 0.5 ? 'bilinear' : 'bicubic';
  return interpolation === 'random' ? drawn : interpolation;
}

/** The window alone, resized to size x size as Pillow does it, antialiased where it shrinks. */
export function resizedCrop(
  { data, width, channels }: Pixels,
  window: CropWindow,
  size: number,
  interpolation: Interpolation,
): Uint8Array {
  const rows = axis(window.height, size, interpolation);
  const columns = axis(window.width, size, interpolation);
  return resample({ data, width, channels, top: window.top, left: window.left }, rows, columns);
}
