import { nearest, reflect101 } from './border.ts';
import { canny } from './canny.ts';
import { corruption } from './corruption.ts';
import { chamferDistance } from './distance.ts';
import { addShifted, frame } from './frame.ts';
import { gaussianFilter } from './gaussian-filter.ts';
import { clipToBytes, type ImageShape, unit32 } from './image.ts';
import { roundHalfEven } from './round.ts';

type SpatterConstants = readonly [
  mean: number,
  deviation: number,
  sigma: number,
  threshold: number,
  gain: number,
  liquid: 'water' | 'mud',
];

const water = [175, 238, 238] as const;
const mud = [63, 42, 20] as const;

/** Drops of water brighten the image, or splashes of mud cover it; float32 as in the reference. */
export const spatter = corruption<SpatterConstants>(
  // Mean and deviation of the liquid's field, σ of the filter that smooths it, where it is too low for liquid,
  // strength of the drops of water or σ of the filter that softens the splashes of mud.
  {
    32: [
      [0.62, 0.1, 0.7, 0.7, 0.5, 'water'],
      [0.65, 0.1, 0.8, 0.7, 0.5, 'water'],
      [0.65, 0.3, 1, 0.69, 0.5, 'water'],
      [0.65, 0.1, 0.7, 0.69, 0.6, 'mud'],
      [0.65, 0.1, 0.5, 0.68, 0.6, 'mud'],
    ],
    64: [
      [0.62, 0.1, 0.7, 0.7, 0.6, 'water'],
      [0.65, 0.1, 0.8, 0.7, 0.6, 'water'],
      [0.65, 0.3, 1, 0.69, 0.6, 'water'],
      [0.65, 0.1, 0.7, 0.68, 0.6, 'mud'],
      [0.65, 0.1, 0.5, 0.67, 0.6, 'mud'],
    ],
    224: [
      [0.65, 0.3, 4, 0.69, 0.6, 'water'],
      [0.65, 0.3, 3, 0.68, 0.6, 'water'],
      [0.65, 0.3, 2, 0.68, 0.5, 'water'],
      [0.65, 0.3, 1, 0.65, 1.5, 'mud'],
      [0.67, 0.4, 1, 0.65, 1.5, 'mud'],
    ],
  },
  ({ data, height, width, channels }, [mean, deviation, sigma, threshold, gain, liquid], draws) => {
    const grey = { height, width, channels: 1 };
    const field = draws.normal(height * width).map((z) => mean + deviation * z);
    const smooth = gaussianFilter(field, grey, sigma, nearest);
    const layer =
      liquid === 'water' ? drops(smooth, grey, threshold, gain) : splashes(smooth, grey, threshold, gain);
    const colour = (liquid === 'water' ? water : mud).map((level) => Math.fround(level / 255));
    const out = new Float64Array(data.length);
    for (let pixel = 0, i = 0; pixel < layer.length; pixel++) {
      const share = layer[pixel]!;
      const left = liquid === 'water' ? 1 : Math.fround(1 - share);
      for (let channel = 0; channel < channels; channel++, i++) {
        const own = Math.fround(unit32[data[i]!]! * left);
        out[i] = Math.fround(own + Math.fround(share * colour[channel]!));
      }
    }
    return clipToBytes(out).map(Math.fround);
  },
);

/**
 * How much water stands at each pixel, up to `gain`: the field in relief along the edges of the drops. Where there is none at all
 * the reference divides 0 by 0 and gives black; here the image stays as it is.
 */
function drops(smooth: Float64Array, shape: ImageShape, threshold: number, gain: number): Float32Array {
  const { height, width } = shape;
  // Beyond 255 bytes wrap around, in the reference too.
  const liquid = new Uint8Array(smooth.map((value) => (value < threshold ? 0 : value * 255)));
  const distance = chamferDistance(canny(liquid, height, width, 50, 150), height, width);
  for (let i = 0; i < distance.length; i++) distance[i] = Math.min(distance[i]!, 20);
  const near = new Uint8Array(correlate(distance, shape, box).map((sum) => sum / 9));
  const relief = new Uint8ClampedArray(correlate(equalize(near), shape, emboss));
  const smoothRelief = correlate(relief, shape, box);
  const layer = new Float32Array(liquid.length);
  let max = 0;
  for (let i = 0; i < layer.length; i++) {
    layer[i] = Math.round(smoothRelief[i]! / 9) * liquid[i]!;
    max = Math.max(max, layer[i]!);
  }
  if (max === 0) return layer;
  return layer.map((value) => Math.fround(value / max) * gain);
}

const box = [1, 1, 1, 1, 1, 1, 1, 1, 1];
const emboss = [-2, -1, 0, -1, 1, 1, 0, 1, 2];

/** The share of mud at each pixel: none below 0.8. */
function splashes(smooth: Float64Array, size: ImageShape, threshold: number, sigma: number): Float32Array {
  const mask = smooth.map((value) => (value > threshold ? 1 : 0));
  const soft = new Float32Array(gaussianFilter(mask, size, sigma, nearest));
  return soft.map((share) => (share < 0.8 ? 0 : share));
}

/** Correlation with 3 x 3 weights, row by row, mirrored border. */
function correlate(values: ArrayLike<number>, shape: ImageShape, weights: readonly number[]): Float64Array {
  const framed = frame(values, shape, 1, 1, reflect101);
  const out = new Float64Array(values.length);
  for (const [i, weight] of weights.entries()) {
    addShifted(out, shape.width, framed, Math.trunc(i / 3) * framed.stride + (i % 3), weight);
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
