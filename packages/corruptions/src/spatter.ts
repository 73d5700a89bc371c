import { nearest, reflect101 } from './border.ts';
import { canny } from './canny.ts';
import { chamferDistance } from './distance.ts';
import type { Draws } from './draws.ts';
import { gaussianFilter } from './gaussian-filter.ts';
import { clipToBytes, type RawImage } from './image.ts';
import { roundHalfEven } from './round.ts';

/** Constants of one severity. */
export interface SpatterConstants {
  /** Mean and deviation of the liquid's field, and σ of the filter that smooths it. */
  readonly mean: number;
  readonly deviation: number;
  readonly sigma: number;
  /** Where the smooth field is lower there is no liquid. */
  readonly threshold: number;
  /** Water: strength of the drops. Mud: σ of the filter that softens the splashes. */
  readonly gain: number;
  readonly liquid: 'water' | 'mud';
}

const water = [175, 238, 238] as const;
const mud = [63, 42, 20] as const;

/** Drops of water brighten the image, or splashes of mud cover it; float32 as in the reference. */
export function spatter(image: RawImage, constants: SpatterConstants, draws: Draws): Float64Array {
  const { data, height, width, channels } = image;
  const { mean, deviation, sigma, threshold, gain, liquid } = constants;
  const grey = { height, width, channels: 1 };
  const field = draws.normal(height * width).map((z) => mean + deviation * z);
  const smooth = gaussianFilter(field, grey, sigma, nearest);
  const layer =
    liquid === 'water' ? drops(smooth, grey, threshold, gain) : splashes(smooth, grey, threshold, gain);
  const colour = (liquid === 'water' ? water : mud).map((level) => Math.fround(level / 255));
  const out = new Float64Array(data.length);
  for (let i = 0; i < out.length; i++) {
    const pixel = Math.trunc(i / channels);
    const share = layer[pixel]!;
    const x = Math.fround(data[i]! / 255);
    const own = liquid === 'water' ? x : Math.fround(x * Math.fround(1 - share));
    out[i] = Math.fround(own + Math.fround(share * colour[i % channels]!));
  }
  return clipToBytes(out).map(Math.fround);
}

type Size = { readonly height: number; readonly width: number; readonly channels: number };

/** How much water stands at each pixel, up to `gain`. Without any, the reference divides 0 by 0 and gives black; here the image stays. */
function drops(smooth: Float64Array, { height, width }: Size, threshold: number, gain: number): Float32Array {
  const liquid = Uint8Array.from(smooth, (value) => (value < threshold ? 0 : value * 255));
  const distance = chamferDistance(canny(liquid, height, width, 50, 150), height, width);
  const near = box3(
    distance.map((value) => Math.min(value, 20)),
    height,
    width,
  );
  const relief = emboss(equalize(Uint8Array.from(near)), height, width);
  const layer = Float32Array.from(box3(relief, height, width), (value, i) => Math.round(value) * liquid[i]!);
  const max = layer.reduce((most, value) => Math.max(most, value), 0);
  if (max === 0) return layer;
  return layer.map((value) => Math.fround(value / max) * gain);
}

/** The share of mud at each pixel: none below 0.8. */
function splashes(smooth: Float64Array, size: Size, threshold: number, sigma: number): Float32Array {
  const mask = smooth.map((value) => (value > threshold ? 1 : 0));
  const soft = Float32Array.from(gaussianFilter(mask, size, sigma, nearest));
  return soft.map((share) => (share < 0.8 ? 0 : share));
}

/** Means of 3 x 3 values, mirrored border. */
function box3(values: ArrayLike<number>, height: number, width: number): Float64Array {
  const out = new Float64Array(values.length);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      let sum = 0;
      for (let row = -1; row <= 1; row++) {
        const from = reflect101(y + row, height) * width;
        for (let column = -1; column <= 1; column++) sum += values[from + reflect101(x + column, width)]!;
      }
      out[i] = sum / 9;
    }
  }
  return out;
}

/** Histogram equalisation: a level goes to the share of pixels above the darkest level and not above it. */
function equalize(levels: Uint8Array): Uint8Array {
  const counts = new Uint32Array(256);
  for (const level of levels) counts[level]!++;
  const darkest = counts.findIndex((count) => count > 0);
  const rest = levels.length - counts[darkest]!;
  if (rest === 0) return levels;
  const scale = Math.fround(255 / rest);
  const table = new Uint8Array(256);
  for (let level = darkest + 1, sum = 0; level < 256; level++) {
    sum += counts[level]!;
    table[level] = Math.min(roundHalfEven(Math.fround(sum * scale)), 255);
  }
  return levels.map((level) => table[level]!);
}

/** Correlation with [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], clipped to bytes, mirrored border. */
function emboss(levels: Uint8Array, height: number, width: number): Uint8ClampedArray {
  const out = new Uint8ClampedArray(levels.length);
  for (let y = 0, i = 0; y < height; y++) {
    const above = reflect101(y - 1, height) * width;
    const here = y * width;
    const below = reflect101(y + 1, height) * width;
    for (let x = 0; x < width; x++, i++) {
      const left = reflect101(x - 1, width);
      const right = reflect101(x + 1, width);
      out[i] =
        2 * (levels[below + right]! - levels[above + left]!) +
        (levels[here + right]! - levels[here + left]!) +
        (levels[below + x]! - levels[above + x]!) +
        levels[i]!;
    }
  }
  return out;
}
