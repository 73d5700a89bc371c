import { largest, load } from './lanes';
import { magnitudes } from './statsq';

/** StatsQ's code of a weight over its level; it grows with t, so that only a tensor's smallest and largest need it. */
@inline
function code(t: f32, n: f32): f32 {
  return min(max(nearest(t - 0.5), -n), n - 1);
}

/**
 * Marks the weights w [rows, columns] that CGA freezes, a byte each: those further than `range` levels from every threshold between
 * codes that occur. Writes each row's scale; `levels` is n = 2^(bits - 1).
 */
export function cgaMask(
  rows: i32,
  columns: i32,
  levels: f32,
  range: f32,
  w: usize,
  mask: usize,
  scales: usize,
): void {
  const row: usize = 4 * <usize>columns;
  let smallest = f32.MAX_VALUE;
  let greatest = -f32.MAX_VALUE;
  for (let i = 0; i < rows; i++) {
    const from = w + row * i;
    const scale: f32 = (2 * magnitudes(columns, from)) / <f32>columns;
    f32.store(scales + 4 * <usize>i, scale);
    const level = levelOf(scale, levels);
    smallest = min(smallest, extreme(columns, from, false) / level);
    greatest = max(greatest, extreme(columns, from, true) / level);
  }
  const lowest = code(smallest, levels);
  const highest = code(greatest, levels);
  // Both at infinity where there is no threshold: everything is then infinitely far.
  const none = lowest == highest;
  const first = f32x4.splat(none ? f32.POSITIVE_INFINITY : lowest + 1);
  const last = f32x4.splat(none ? f32.POSITIVE_INFINITY : highest);
  const ranges = f32x4.splat(range);
  for (let i = 0; i < rows; i++) {
    const from = w + row * i;
    const to = mask + <usize>columns * i;
    const level = f32x4.splat(levelOf(f32.load(scales + 4 * <usize>i), levels));
    for (let j = 0; j < columns; j += 4) {
      const count = columns - j;
      const t = f32x4.div(load(from + 4 * <usize>j, count, 0), level);
      const threshold = f32x4.min(f32x4.max(f32x4.nearest(t), first), last);
      const frozen = f32x4.gt(f32x4.abs(f32x4.sub(t, threshold)), ranges);
      storeBytes(to + j, v128.and(frozen, i32x4.splat(1)), count);
    }
  }
}

/** Weights that are all 0 lie on the threshold at 0, whatever a level is. */
@inline
function levelOf(scale: f32, levels: f32): f32 {
  return (scale == 0 ? 1 : scale) / levels;
}

/** The greatest of `size` elements, or the smallest. */
@inline
function extreme(size: i32, x: usize, greatest: bool): f32 {
  const start = f32.load(x);
  let found = f32x4.splat(start);
  for (let i = 0; i < size; i += 4) {
    const values = load(x + 4 * <usize>i, size - i, start);
    found = greatest ? f32x4.max(found, values) : f32x4.min(found, values);
  }
  return greatest ? largest(found) : -largest(f32x4.neg(found));
}

/** The lowest byte of each of the first `count` lanes. */
@inline
function storeBytes(to: usize, x: v128, count: i32): void {
  const words = i16x8.narrow_i32x4_u(x, x);
  const bytes = i32x4.extract_lane(i8x16.narrow_i16x8_u(words, words), 0);
  if (count >= 4) {
    i32.store(to, bytes);
    return;
  }
  i32.store8(to, bytes);
  if (count > 1) i32.store8(to, bytes >> 8, 1);
  if (count > 2) i32.store8(to, bytes >> 16, 2);
}
