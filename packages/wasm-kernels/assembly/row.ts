// Products with a single row of A, which would not earn back the packing of B. Each sum runs over k in order, as in the tile.

import { madd } from './lanes';

/** C [n] = A [k] x B [k, n] for a B whose rows are contiguous. */
export function rowTimesRows(
  n: i32,
  k: i32,
  a: usize,
  aStep: usize,
  b: usize,
  bRowStep: usize,
  c: usize,
): void {
  let j = 0;
  // Two cache lines of each row at a time.
  for (; j + 32 <= n; j += 32) {
    let x0 = f32x4.splat(0);
    let x1 = x0;
    let x2 = x0;
    let x3 = x0;
    let x4 = x0;
    let x5 = x0;
    let x6 = x0;
    let x7 = x0;
    let element = a;
    let row = b + 4 * <usize>j;
    for (let i = 0; i < k; i++) {
      const s = v128.load32_splat(element);
      x0 = madd(s, v128.load(row), x0);
      x1 = madd(s, v128.load(row, 16), x1);
      x2 = madd(s, v128.load(row, 32), x2);
      x3 = madd(s, v128.load(row, 48), x3);
      x4 = madd(s, v128.load(row, 64), x4);
      x5 = madd(s, v128.load(row, 80), x5);
      x6 = madd(s, v128.load(row, 96), x6);
      x7 = madd(s, v128.load(row, 112), x7);
      element += aStep;
      row += bRowStep;
    }
    const to = c + 4 * <usize>j;
    v128.store(to, x0);
    v128.store(to, x1, 16);
    v128.store(to, x2, 32);
    v128.store(to, x3, 48);
    v128.store(to, x4, 64);
    v128.store(to, x5, 80);
    v128.store(to, x6, 96);
    v128.store(to, x7, 112);
  }
  for (; j + 4 <= n; j += 4) {
    let x = f32x4.splat(0);
    let element = a;
    let row = b + 4 * <usize>j;
    for (let i = 0; i < k; i++) {
      x = madd(v128.load32_splat(element), v128.load(row), x);
      element += aStep;
      row += bRowStep;
    }
    v128.store(c + 4 * <usize>j, x);
  }
  rest(j, n, k, a, aStep, b, bRowStep, 4, c);
}

/** C [n] = A [k] x B [k, n] for a contiguous A and a B whose columns are contiguous. */
export function rowTimesColumns(n: i32, k: i32, a: usize, b: usize, bColumnStep: usize, c: usize): void {
  let j = 0;
  for (; j + 4 <= n; j += 4) {
    let sum = f32x4.splat(0);
    const columns = b + <usize>j * bColumnStep;
    let i = 0;
    for (; i + 4 <= k; i += 4) {
      const factors = v128.load(a + 4 * <usize>i);
      const block = columns + 4 * <usize>i;
      const b0 = v128.load(block);
      const b1 = v128.load(block + bColumnStep);
      const b2 = v128.load(block + 2 * bColumnStep);
      const b3 = v128.load(block + 3 * bColumnStep);
      const low01 = v128.shuffle<f32>(b0, b1, 0, 4, 1, 5);
      const low23 = v128.shuffle<f32>(b2, b3, 0, 4, 1, 5);
      const high01 = v128.shuffle<f32>(b0, b1, 2, 6, 3, 7);
      const high23 = v128.shuffle<f32>(b2, b3, 2, 6, 3, 7);
      sum = madd(v128.shuffle<f32>(factors, factors, 0, 0, 0, 0), v128.shuffle<i64>(low01, low23, 0, 2), sum);
      sum = madd(v128.shuffle<f32>(factors, factors, 1, 1, 1, 1), v128.shuffle<i64>(low01, low23, 1, 3), sum);
      sum = madd(v128.shuffle<f32>(factors, factors, 2, 2, 2, 2), v128.shuffle<i64>(high01, high23, 0, 2), sum);
      sum = madd(v128.shuffle<f32>(factors, factors, 3, 3, 3, 3), v128.shuffle<i64>(high01, high23, 1, 3), sum);
    }
    for (; i < k; i++) {
      const element = columns + 4 * <usize>i;
      const column = f32x4(
        f32.load(element),
        f32.load(element + bColumnStep),
        f32.load(element + 2 * bColumnStep),
        f32.load(element + 3 * bColumnStep),
      );
      sum = madd(v128.load32_splat(a + 4 * <usize>i), column, sum);
    }
    v128.store(c + 4 * <usize>j, sum);
  }
  rest(j, n, k, a, 4, b, 4, bColumnStep, c);
}

/** Columns from `j` on, one at a time. */
function rest(
  j: i32,
  n: i32,
  k: i32,
  a: usize,
  aStep: usize,
  b: usize,
  bRowStep: usize,
  bColumnStep: usize,
  c: usize,
): void {
  for (; j < n; j++) {
    let sum = f32x4.splat(0);
    let left = a;
    let right = b + <usize>j * bColumnStep;
    for (let i = 0; i < k; i++) {
      sum = madd(v128.load32_splat(left), v128.load32_splat(right), sum);
      left += aStep;
      right += bRowStep;
    }
    f32.store(c + 4 * <usize>j, f32x4.extract_lane(sum, 0));
  }
}
