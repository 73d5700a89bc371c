import { corruption } from './corruption.ts';
import { CorruptionError } from './error.ts';

/** Shrinks to `int(size * factor)` and enlarges again, both with Pillow's box filter on bytes. */
export const pixelate = corruption<number>(
  // Side of the shrunk image relative to the whole.
  {
    32: [0.95, 0.9, 0.85, 0.75, 0.65],
    64: [0.9, 0.8, 0.7, 0.6, 0.5],
    224: [0.6, 0.5, 0.4, 0.3, 0.25],
  },
  ({ data, height, width, channels }, factor) => {
    const low = { height: Math.trunc(height * factor), width: Math.trunc(width * factor) };
    if (low.height === 0 || low.width === 0) {
      throw new CorruptionError(
        'CORRUPTION_TOO_SMALL',
        `pixelate shrinks each side to ${factor} of its length, and nothing is left of ${height} x ${width} pixels; ` +
          `both sides must be at least ${Math.ceil(1 / factor)}.`,
      );
    }
    const shrunk = resizeBox(data, height, width, channels, low.height, low.width);
    return new Float64Array(resizeBox(shrunk, low.height, low.width, channels, height, width));
  },
);

/** Pillow's 8-bit resize: horizontally, rounded to bytes, then vertically. */
function resizeBox(
  data: Uint8Array,
  height: number,
  width: number,
  channels: number,
  newHeight: number,
  newWidth: number,
): Uint8Array {
  const wide = new Uint8Array(height * newWidth * channels);
  resizeAxis(data, wide, height, width, newWidth, channels);
  const both = new Uint8Array(newHeight * newWidth * channels);
  resizeAxis(wide, both, 1, height, newHeight, newWidth * channels);
  return both;
}

/** Weights are fixed-point numbers with this many binary places. */
const precision = 22;

/** Resizes the middle axis of [blocks, length, run] from `length` to `newLength`. */
function resizeAxis(
  source: Uint8Array,
  target: Uint8Array,
  blocks: number,
  length: number,
  newLength: number,
  run: number,
): void {
  const scale = length / newLength;
  const support = 0.5 * Math.max(scale, 1);
  for (let at = 0; at < newLength; at++) {
    const centre = (at + 0.5) * scale;
    let first = Math.max(Math.trunc(centre - support + 0.5), 0);
    let end = Math.min(Math.trunc(centre + support + 0.5), length);
    // The box is open on the left: a pixel whose middle lies exactly there does not count.
    const reach = (pixel: number): number => (pixel - centre + 0.5) / Math.max(scale, 1);
    while (reach(first) <= -0.5) first++;
    while (reach(end - 1) > 0.5) end--;
    const weight = Math.trunc(0.5 + (1 / (end - first)) * 2 ** precision);
    for (let block = 0; block < blocks; block++) {
      const out = (block * newLength + at) * run;
      for (let i = 0; i < run; i++) {
        let sum = 1 << (precision - 1);
        for (let pixel = first; pixel < end; pixel++) {
          sum += source[(block * length + pixel) * run + i]! * weight;
        }
        target[out + i] = sum >> precision;
      }
    }
  }
}
