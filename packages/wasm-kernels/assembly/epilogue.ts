// What the elements of a product go through after their sums.

import { geluOf, geluSlopeOf } from './gelu';
import { load, store } from './lanes';

/** Codes for `product`'s activation. */
export const NONE: i32 = 0;
/** c = gelu(c), with c itself kept at `other` unless that is 0. */
export const GELU: i32 = 1;
/** c = c gelu'(other). */
export const GELU_SLOPE: i32 = 2;

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
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  for (let j = 0; j < columns; j += 4) {
    const left = columns - j;
    const at: usize = 4 * <usize>j;
    // Adding -0 changes nothing, not even the sign of a zero.
    const added = bias == 0 ? f32x4.splat(-0.0) : load(bias + at, left, 0);
    let place = c + at;
    let beside: usize = other == 0 ? 0 : other + at;
    for (let i = 0; i < rows; i++) {
      let value = f32x4.min(f32x4.max(f32x4.add(load(place, left, 0), added), lows), highs);
      if (activation == GELU) {
        if (beside != 0) store(beside, value, left);
        value = geluOf(value);
      } else if (activation == GELU_SLOPE) {
        value = f32x4.mul(value, geluSlopeOf(load(beside, left, 0)));
      }
      store(place, value, left);
      place += step;
      if (beside != 0) beside += step;
    }
  }
}
