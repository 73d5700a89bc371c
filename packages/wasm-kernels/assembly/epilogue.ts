// What the elements of a product go through after their sums.

import { bell, cumulative, slopeOf } from './gelu';
import { load, store } from './lanes';

/** Codes for `product`'s activation. */
export const NONE: i32 = 0;
/** c = gelu(c), with gelu'(c) kept at `other` unless that is 0. */
export const GELU: i32 = 1;
/** c = c other. */
export const TIMES: i32 = 2;

/** One code more: c is only clamped. */
const CLAMP: i32 = 3;

/**
 * C [rows, columns] = activation(clamp(C + bias [columns], low, high)); C and `other` have rows `step` bytes apart, and `bias` 0
 * stands for none.
 */
export function finish(
  rows: i32,
  columns: i32,
  c: usize,
  step: usize,
  bias: usize,
  low: f32,
  high: f32,
  activation: i32,
  other: usize,
): void {
  const keeps = other != 0;
  const clamps = low > -Infinity || high < Infinity;
  for (let j = 0; j < columns; j += 4) {
    const left = columns - j;
    const at: usize = 4 * <usize>j;
    // Adding -0 changes nothing, not even the sign of a zero.
    const added = bias == 0 ? f32x4.splat(-0.0) : load(bias + at, left, 0);
    const beside = other + at;
    if (clamps) lines(CLAMP, rows, c + at, step, added, low, high, beside, keeps, left);
    if (clamps && activation == NONE) continue;
    const rest = clamps ? f32x4.splat(-0.0) : added;
    if (left < 4) tail(activation, rows, c + at, step, rest, beside, keeps, left);
    else if (activation == GELU) lines(GELU, rows, c + at, step, rest, low, high, beside, keeps, 4);
    else if (activation == TIMES) lines(TIMES, rows, c + at, step, rest, low, high, beside, keeps, 4);
    else lines(NONE, rows, c + at, step, rest, low, high, beside, keeps, 4);
  }
}

/** The last columns, less than four. */
function tail(
  activation: i32,
  rows: i32,
  c: usize,
  step: usize,
  added: v128,
  other: usize,
  keeps: bool,
  left: i32,
): void {
  lines(activation, rows, c, step, added, 0, 0, other, keeps, left);
}

/** Up to four columns, row by row. */
@inline
function lines(
  activation: i32,
  rows: i32,
  c: usize,
  step: usize,
  added: v128,
  low: f32,
  high: f32,
  other: usize,
  keeps: bool,
  left: i32,
): void {
  for (let i = 0; i < rows; i++) {
    const sum = f32x4.add(load(c, left, 0), added);
    let value = sum;
    if (activation == GELU) {
      const e = bell(sum);
      const phi = cumulative(sum, e);
      value = f32x4.mul(sum, phi);
      if (keeps) store(other, slopeOf(sum, e, phi), left);
    }
    if (activation == TIMES) value = f32x4.mul(sum, load(other, left, 0));
    if (activation == CLAMP) value = f32x4.min(f32x4.max(sum, f32x4.splat(low)), f32x4.splat(high));
    store(c, value, left);
    c += step;
    other += step;
  }
}
