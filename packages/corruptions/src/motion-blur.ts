import { nearest } from './border.ts';
import { corruption } from './corruption.ts';
import { addShifted, frame } from './frame.ts';
import type { ImageShape } from './image.ts';

/** ImageMagick's motion blur along a direction between -45° and 45°. */
export const motionBlur = corruption<readonly [radius: number, sigma: number]>(
  // Radius and σ in pixels.
  {
    32: [
      [6, 1],
      [6, 1.5],
      [6, 2],
      [8, 2],
      [9, 2.5],
    ],
    64: [
      [10, 1],
      [10, 1.5],
      [10, 2],
      [10, 2.5],
      [12, 3],
    ],
    224: [
      [10, 3],
      [15, 5],
      [15, 8],
      [15, 12],
      [20, 15],
    ],
  },
  (image, [radius, sigma], draws) => {
    const angle = -45 + 90 * draws.uniform(1)[0]!;
    return new Float64Array(blurAlong(image.data, image, radius, sigma, angle));
  },
);

/**
 * Each pixel becomes the mean of the pixels from it along `angle` degrees (clockwise from the right), weighted by one half of a
 * Gaussian (σ pixels) that is cut off after `2 ceil(radius) + 1` pixels; border pixels go on. Rounded to 16 bits, then truncated
 * to 8.
 */
export function blurAlong(
  data: Uint8Array,
  shape: ImageShape,
  radius: number,
  sigma: number,
  angle: number,
): Uint8Array {
  const taps = 2 * Math.ceil(radius) + 1;
  const weights = Float64Array.from({ length: taps }, (_, i) => Math.exp((-i * i) / (2 * sigma * sigma)));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const radians = (Math.PI * angle) / 180;
  const across = (tap: number): number => Math.ceil(tap * Math.cos(radians) - 0.5);
  const down = (tap: number): number => Math.ceil(tap * Math.sin(radians) - 0.5);
  const rows = Math.abs(down(taps - 1));
  const columns = Math.abs(across(taps - 1));
  const framed = frame(data, shape, rows, columns, nearest);
  const sums = new Float64Array(data.length);
  for (let tap = 0; tap < taps; tap++) {
    const offset = (rows + down(tap)) * framed.stride + (columns + across(tap)) * shape.channels;
    // 257 takes a byte to the 16 bits in which ImageMagick computes.
    addShifted(sums, shape.width * shape.channels, framed, offset, (257 * weights[tap]!) / sum);
  }
  const bytes = new Uint8Array(sums.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(sums[i]! + 0.5) / 257;
  return bytes;
}
