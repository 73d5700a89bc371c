import type { Interpolation } from '../resample.ts';
import type { Pixels } from '../resize.ts';

/** Output pixel centre (x, y) shows the input at (a x + b y + c, d x + e y + f). */
export type Affine = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

export interface WarpOptions {
  readonly interpolation: Interpolation;
  /** Levels, one a channel, where the input has no pixel. */
  readonly fill: readonly number[];
}

/**
 * `Image.transform(size, AFFINE, matrix, resample, fillcolor)` of Pillow: no antialiasing, neighbours outside repeat the edge,
 * the cubic has a = -1 (not the -1/2 of resizing), fractions are cut off.
 */
export function warp(image: Pixels, matrix: Affine, { interpolation, fill }: WarpOptions): Uint8Array {
  const { height, width, channels, data } = image;
  const [a, b, c, d, e, f] = matrix;
  const sample = interpolation === 'bilinear' ? bilinear : bicubic;
  const out = new Uint8Array(data.length);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += channels) {
      const fromX = a * (x + 0.5) + b * (y + 0.5) + c;
      const fromY = d * (x + 0.5) + e * (y + 0.5) + f;
      if (fromX >= 0 && fromX < width && fromY >= 0 && fromY < height) {
        sample(image, fromX - 0.5, fromY - 0.5, out, to);
      } else {
        for (let channel = 0; channel < channels; channel++) out[to + channel] = fill[channel]!;
      }
    }
  }
  return out;
}

/** Turned about the centre by `degrees` counter-clockwise: `Image.rotate`. */
export function rotation({ height, width }: Pixels, degrees: number): Affine {
  const angle = (-(((degrees % 360) + 360) % 360) * Math.PI) / 180;
  const cos = toPlaces(Math.cos(angle));
  const sin = toPlaces(Math.sin(angle));
  const [x, y] = [width / 2, height / 2];
  return [cos, sin, cos * -x + sin * -y + x, -sin, cos, -sin * -x + cos * -y + y];
}

/** Pillow keeps 15 decimals, which makes a quarter turn exact. */
const toPlaces = (value: number): number => Number(value.toFixed(15));

type Sample = (image: Pixels, x: number, y: number, out: Uint8Array, to: number) => void;

const within = (value: number, size: number): number => (value < 0 ? 0 : value < size ? value : size - 1);

const bilinear: Sample = ({ data, height, width, channels }, x, y, out, to) => {
  const left = Math.floor(x);
  const top = Math.floor(y);
  const dx = x - left;
  const dy = y - top;
  const x0 = within(left, width) * channels;
  const x1 = within(left + 1, width) * channels;
  const row0 = within(top, height) * width * channels;
  const row1 = within(top + 1, height) * width * channels;
  for (let channel = 0; channel < channels; channel++) {
    const upper = mixed(data[row0 + x0 + channel]!, data[row0 + x1 + channel]!, dx);
    const lower = mixed(data[row1 + x0 + channel]!, data[row1 + x1 + channel]!, dx);
    out[to + channel] = mixed(upper, lower, dy);
  }
};

const mixed = (from: number, towards: number, share: number): number => from + (towards - from) * share;

const bicubic: Sample = ({ data, height, width, channels }, x, y, out, to) => {
  const left = Math.floor(x);
  const top = Math.floor(y);
  const dx = x - left;
  const dy = y - top;
  const x0 = within(left - 1, width) * channels;
  const x1 = within(left, width) * channels;
  const x2 = within(left + 1, width) * channels;
  const x3 = within(left + 2, width) * channels;
  const row = width * channels;
  let row0 = within(top - 1, height) * row;
  let row1 = within(top, height) * row;
  let row2 = within(top + 1, height) * row;
  let row3 = within(top + 2, height) * row;
  for (let channel = 0; channel < channels; channel++, row0++, row1++, row2++, row3++) {
    let level = cubicAlong(data, row1, x0, x1, x2, x3, dx);
    // Shears and shifts along x stay on their row, where the cubic down the column is this very number.
    if (dy !== 0) {
      const above = cubicAlong(data, row0, x0, x1, x2, x3, dx);
      const below = cubicAlong(data, row2, x0, x1, x2, x3, dx);
      level = cubic(above, level, below, cubicAlong(data, row3, x0, x1, x2, x3, dx), dy);
    }
    out[to + channel] = Math.max(0, Math.min(255, level));
  }
};

function cubicAlong(
  data: Uint8Array,
  row: number,
  x0: number,
  x1: number,
  x2: number,
  x3: number,
  t: number,
): number {
  return t === 0
    ? data[row + x1]!
    : cubic(data[row + x0]!, data[row + x1]!, data[row + x2]!, data[row + x3]!, t);
}

/** Between p1 and p2, in Pillow's order of operations. */
function cubic(p0: number, p1: number, p2: number, p3: number, t: number): number {
  const linear = p2 - p0;
  const square = 2 * (p0 - p1) + p2 - p3;
  const cube = p1 - p0 - p2 + p3;
  return p1 + t * (linear + t * (square + t * cube));
}
