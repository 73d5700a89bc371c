import type { Draws } from './draws.ts';
import type { RawImage } from './image.ts';

/** ImageMagick's motion blur along a direction between -45° and 45°. */
export function motionBlur(
  { data, height, width, channels }: RawImage,
  [radius, sigma]: readonly [radius: number, sigma: number],
  draws: Draws,
): Float64Array {
  const angle = -45 + 90 * draws.uniform(1)[0]!;
  return Float64Array.from(blurAlong(data, height, width, channels, radius, sigma, angle));
}

/**
 * The mean of the pixels behind each pixel along `angle` degrees, weighted by one half of a Gaussian (σ pixels) that is cut off
 * after `2 ceil(radius) + 1` pixels; the border pixels continue outwards. Rounded to 16 bits, then truncated to 8.
 */
export function blurAlong(
  data: Uint8Array,
  height: number,
  width: number,
  channels: number,
  radius: number,
  sigma: number,
  angle: number,
): Uint8Array {
  const taps = 2 * Math.ceil(radius) + 1;
  const weights = Float64Array.from({ length: taps }, (_, i) => Math.exp((-i * i) / (2 * sigma * sigma)));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const sums = new Float64Array(data.length);
  const radians = (Math.PI * angle) / 180;
  for (let tap = 0; tap < taps; tap++) {
    // 257 takes a byte to the 16 bits in which ImageMagick computes.
    const weight = (257 * weights[tap]!) / sum;
    const right = Math.ceil(tap * Math.cos(radians) - 0.5);
    const down = Math.ceil(tap * Math.sin(radians) - 0.5);
    for (let row = 0, i = 0; row < height; row++) {
      const from = Math.min(Math.max(row + down, 0), height - 1) * width;
      for (let column = 0; column < width; column++) {
        const pixel = (from + Math.min(Math.max(column + right, 0), width - 1)) * channels;
        for (let channel = 0; channel < channels; channel++, i++) sums[i]! += weight * data[pixel + channel]!;
      }
    }
  }
  return Uint8Array.from(sums, (value) => Math.floor(value + 0.5) / 257);
}
