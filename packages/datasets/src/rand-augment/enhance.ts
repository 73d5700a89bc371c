import type { Pixels } from '../resize.ts';
import { mapLevels } from './levels.ts';

// Pillow's ImageEnhance: the image moved away from or towards a degenerate one, out = from + factor (image - from).

/** Towards or away from grey. An image of one channel is grey already. */
export function color(image: Pixels, factor: number): Uint8Array {
  if (image.channels !== 3) return image.data.slice();
  const grey = luma(image);
  const everyChannel = new Uint8Array(image.data.length);
  for (let p = 0, i = 0; p < grey.length; p++, i += 3) {
    everyChannel[i] = everyChannel[i + 1] = everyChannel[i + 2] = grey[p]!;
  }
  return blend(everyChannel, image, factor);
}

/** Towards or away from the mean grey. */
export function contrast(image: Pixels, factor: number): Uint8Array {
  const grey = luma(image);
  let sum = 0;
  for (let p = 0; p < grey.length; p++) sum += grey[p]!;
  const mean = Math.floor(sum / grey.length + 0.5);
  return mapLevels(image, blended(factor, mean));
}

/** Towards or away from black. */
export const brightness = (image: Pixels, factor: number): Uint8Array => mapLevels(image, blended(factor, 0));

/** Towards or away from the smoothed image. */
export const sharpness = (image: Pixels, factor: number): Uint8Array => blend(smooth(image), image, factor);

/** `Image.blend(degenerate, image, factor)`: float32, cut off towards 0. */
function blend(degenerate: Uint8Array, { data }: Pixels, factor: number): Uint8Array {
  const alpha = Math.fround(factor);
  /** alpha (image - degenerate) for every difference. */
  const products = Float32Array.from({ length: 511 }, (_, i) => alpha * (i - 255));
  const out = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const from = degenerate[i]!;
    out[i] = clipped(Math.fround(from + products[data[i]! - from + 255]!));
  }
  return out;
}

/** What `blend` makes of each level when the degenerate image has but one. */
function blended(factor: number, from: number): (level: number) => number {
  const alpha = Math.fround(factor);
  return (level) => clipped(Math.fround(from + Math.fround(alpha * (level - from))));
}

const clipped = (level: number): number => Math.max(0, Math.min(255, level));

/** ITU-R 601-2 with 16 fraction bits, as `convert('L')`. */
function luma({ data, channels }: Pixels): Uint8Array {
  if (channels !== 3) return data;
  const grey = new Uint8Array(data.length / 3);
  for (let p = 0, i = 0; p < grey.length; p++, i += 3) {
    grey[p] = (data[i]! * 19595 + data[i + 1]! * 38470 + data[i + 2]! * 7471 + 0x8000) >> 16;
  }
  return grey;
}

/** `ImageFilter.SMOOTH`: the 3 x 3 mean that counts the middle five times; the outermost pixels stay as they are. */
function smooth({ data, height, width, channels }: Pixels): Uint8Array {
  const out = data.slice();
  const row = width * channels;
  for (let y = 1; y < height - 1; y++) {
    const end = (y + 1) * row - channels;
    for (let i = y * row + channels; i < end; i++) {
      const sum =
        sumOfThree(data, i - row, channels) +
        sumOfThree(data, i, channels) +
        sumOfThree(data, i + row, channels) +
        4 * data[i]!;
      out[i] = ((2 * sum + 13) / 26) | 0; // sum / 13 is never halfway between two levels, so this is Pillow's rounding.
    }
  }
  return out;
}

const sumOfThree = (data: Uint8Array, i: number, step: number): number =>
  data[i - step]! + data[i]! + data[i + step]!;
