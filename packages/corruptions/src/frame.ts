import type { Border } from './border.ts';
import type { ImageShape } from './image.ts';

/** An array with a frame around, and how many values lie between one row and the next. */
export interface Framed {
  readonly data: Float64Array;
  readonly stride: number;
}

/** The interleaved array with `rows` more rows above and below and `columns` more columns on either side, filled as `border` says. */
export function frame(
  source: ArrayLike<number>,
  { height, width, channels }: ImageShape,
  rows: number,
  columns: number,
  border: Border,
): Framed {
  const stride = (width + 2 * columns) * channels;
  const from = Int32Array.from({ length: stride }, (_, i) => {
    const column = Math.trunc(i / channels) - columns;
    return border(column, width) * channels + (i % channels);
  });
  const data = new Float64Array((height + 2 * rows) * stride);
  for (let row = 0; row < height + 2 * rows; row++) {
    const start = border(row - rows, height) * width * channels;
    for (let i = 0; i < stride; i++) data[row * stride + i] = source[start + from[i]!]!;
  }
  return { data, stride };
}

/** Adds `weight` times the part of `framed` that starts at `offset` to an array of rows of `length` values. */
export function addShifted(
  sums: Float64Array,
  length: number,
  { data, stride }: Framed,
  offset: number,
  weight: number,
): void {
  for (let to = 0, from = offset; to < sums.length; to += length, from += stride) {
    for (let i = 0; i < length; i++) sums[to + i]! += weight * data[from + i]!;
  }
}
