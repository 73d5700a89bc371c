import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Heap } from './heap.ts';
import { ACTIVATION } from './kernels.ts';

/**
 * A branch of a transformer block goes through its tokens some hundreds at a time, so that what one product writes is still in
 * the second level cache when the next one reads it.
 */
export const ROWS_AT_A_TIME = 480;

/** The rows of x [..., C], all axes but the last taken together. */
export function rowsOf({ shape }: TensorInfo): { readonly rows: number; readonly channels: number } {
  return { rows: shape.slice(0, -1).reduce((a, b) => a * b, 1), channels: shape.at(-1)! };
}

/** Where sizes of floats lie, one behind the other, from `start` on; the last is where they end. */
export function layout(start: number, ...sizes: readonly number[]): number[] {
  let next = start;
  return [...sizes, 0].map((size) => {
    next += 4 * size;
    return next - 4 * size;
  });
}

interface Extras {
  readonly from?: number;
  readonly bias?: number;
  readonly activation?: number;
  readonly other?: number;
}

/** The three products of a linear layer with a weight [out, in], of contiguous matrices at byte offsets. */
export function linearProducts({ kernels }: Heap, scratch: number) {
  const run = (
    [m, n, k]: readonly [number, number, number],
    a: readonly [number, number, number],
    b: readonly [number, number, number],
    c: number,
    { from = 0, bias = 0, activation = ACTIVATION.none, other = 0 }: Extras = {},
  ): void =>
    kernels.product(
      m,
      n,
      k,
      ...a,
      ...b,
      c,
      4 * n,
      from,
      bias,
      -Infinity,
      Infinity,
      activation,
      other,
      scratch,
    );
  return {
    /** y [rows, out] = from + x [rows, in] weightᵀ + bias, and so on. */
    forward(rows: number, out: number, into: number, x: number, weight: number, y: number, extras?: Extras) {
      run([rows, out, into], [x, 4 * into, 4], [weight, 4, 4 * into], y, extras);
    },
    /** dx [rows, in] = dy [rows, out] weight, and so on. */
    input(rows: number, out: number, into: number, dy: number, weight: number, dx: number, extras?: Extras) {
      run([rows, into, out], [dy, 4 * out, 4], [weight, 4 * into, 4], dx, extras);
    },
    /** dweight [out, in] = dyᵀ x, added to what is there where it `adds`; dbias [out] likewise, unless that is 0. */
    parameters(
      rows: number,
      out: number,
      into: number,
      dy: number,
      x: number,
      [dWeight, dBias]: readonly [number, number],
      adds: boolean,
    ) {
      run([out, into, rows], [dy, 4, 4 * out], [x, 4 * into, 4], dWeight, { from: adds ? dWeight : 0 });
      if (dBias !== 0) kernels.columnSums(rows, out, dy, dBias, adds ? 1 : 0);
    },
  };
}

/** Bytes of working memory that `linearProducts` needs for layers [out, in]. */
export function linearScratch(
  { kernels: { productScratch } }: Heap,
  rows: number,
  ...layers: readonly (readonly [out: number, into: number])[]
): number {
  return Math.max(
    ...layers.flatMap(([out, into]) => [
      productScratch(rows, out, into),
      productScratch(rows, into, out),
      productScratch(out, into, rows),
    ]),
  );
}
