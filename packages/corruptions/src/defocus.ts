import { reflect101 } from './border.ts';
import { corruption } from './corruption.ts';
import { addShifted, frame } from './frame.ts';
import { clipToBytes, toUnit } from './image.ts';

/** Correlation with a disk of `radius` pixels whose edge a Gaussian of σ = `alias` softens; mirrored border. */
export const defocusBlur = corruption<readonly [radius: number, alias: number]>(
  // Radius of the disk and σ of its edge, in pixels.
  {
    32: [
      [0.3, 0.4],
      [0.4, 0.5],
      [0.5, 0.6],
      [1, 0.2],
      [1.5, 0.1],
    ],
    64: [
      [0.5, 0.6],
      [1, 0.1],
      [1.5, 0.1],
      [2.5, 0.01],
      [3, 0.1],
    ],
    224: [
      [3, 0.1],
      [4, 0.5],
      [6, 0.5],
      [8, 0.5],
      [10, 0.5],
    ],
  },
  (image, [radius, alias]) => {
    const { kernel, reach } = softDisk(radius, alias);
    const side = 2 * reach + 1;
    const framed = frame(toUnit(image.data), image, reach, reach, reflect101);
    const out = new Float64Array(image.data.length);
    for (let tap = 0; tap < kernel.length; tap++) {
      if (kernel[tap] === 0) continue;
      const offset = Math.trunc(tap / side) * framed.stride + (tap % side) * image.channels;
      addShifted(out, image.width * image.channels, framed, offset, kernel[tap]!);
    }
    return clipToBytes(out);
  },
);

/**
 * The reference's kernel, float32: a disk of equal weights on a grid of reach 8 (or the radius, if larger), smoothed by
 * 3 x 3 (5 x 5) Gaussian weights with a mirrored border. Where the disk touches the grid's edge, the mirror makes the sum
 * exceed 1; the reference does not renormalise.
 */
function softDisk(radius: number, alias: number): { kernel: Float32Array; reach: number } {
  const reach = Math.max(radius, 8);
  const side = 2 * reach + 1;
  const disk = new Float32Array(side * side);
  let count = 0;
  for (let y = -reach, i = 0; y <= reach; y++) {
    for (let x = -reach; x <= reach; x++, i++) {
      if (x * x + y * y > radius * radius) continue;
      disk[i] = 1;
      count++;
    }
  }
  for (let i = 0; i < disk.length; i++) disk[i]! /= count;
  const taps = gaussianTaps(radius <= 8 ? 1 : 2, alias);
  const rows = smooth(disk, taps, side, side, 1);
  return { kernel: smooth(rows, taps, side, 1, side), reach };
}

/** Half of a normalised symmetric kernel, float32. */
function gaussianTaps(reach: number, sigma: number): Float32Array {
  const taps = Array.from({ length: reach + 1 }, (_, i) => Math.exp((-0.5 * i * i) / (sigma * sigma)));
  const sum = taps.reduce((total, tap, i) => total + (i === 0 ? tap : 2 * tap), 0);
  return new Float32Array(taps.map((tap) => tap / sum));
}

/** Filters lines of `side` values that are `step` apart and start `start` apart, in float32. */
function smooth(
  source: Float32Array,
  taps: Float32Array,
  side: number,
  start: number,
  step: number,
): Float32Array {
  const out = new Float32Array(source.length);
  for (let line = 0; line < side; line++) {
    for (let at = 0; at < side; at++) {
      let sum = Math.fround(source[line * start + at * step]! * taps[0]!);
      for (let i = 1; i < taps.length; i++) {
        const before = source[line * start + reflect101(at - i, side) * step]!;
        const after = source[line * start + reflect101(at + i, side) * step]!;
        sum = Math.fround(sum + Math.fround(Math.fround(before + after) * taps[i]!));
      }
      out[line * start + at * step] = sum;
    }
  }
  return out;
}
