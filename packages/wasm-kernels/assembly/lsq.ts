import { load, store, sum } from './lanes';

const SMALLEST_STEP: f32 = 1e-5;

/** A step below the smallest counts as that. Here as below, x - x is NaN where a bound would make a number of an infinity. */
@inline
function effective(step: v128): v128 {
  return f32x4.add(f32x4.pmax(step, f32x4.splat(SMALLEST_STEP)), f32x4.sub(step, step));
}

/** The codes of x, v = x / step. (pmin and pmax pass on the NaN of v, and are one instruction where min and max are many.) */
@inline
function codes(x: v128, v: v128, low: v128, high: v128): v128 {
  const clipped = f32x4.pmin(f32x4.pmax(v, low), high);
  return f32x4.add(f32x4.nearest(clipped), f32x4.sub(x, x));
}

/** Up to four elements, or where `next` four of the next vector. */
@inline
function read(from: usize, count: i32, next: bool): v128 {
  return next ? v128.load(from, 16) : load(from, count, 0);
}

@inline
function write(to: usize, value: v128, count: i32, next: bool): void {
  if (next) v128.store(to, value, 16);
  else store(to, value, count);
}

/** y = step codes(x + before) + after of up to four elements; `before` 0 stands for none of both. */
@inline
function quantize(
  count: i32,
  next: bool,
  x: usize,
  before: usize,
  after: usize,
  step: v128,
  low: v128,
  high: v128,
  y: usize,
): void {
  let value = read(x, count, next);
  if (before != 0) value = f32x4.add(value, read(before, count, next));
  let result = f32x4.mul(codes(value, f32x4.div(value, step), low, high), step);
  if (before != 0) result = f32x4.add(result, read(after, count, next));
  write(y, result, count, next);
}

/**
 * dx, times the slope where one is given, dbefore and dafter added to, and y as `quantize` has it unless that is 0, of up to four
 * elements; returns what they add to dstep. `before` 0 stands for no offsets.
 */
@inline
function gradient(
  count: i32,
  next: bool,
  dy: usize,
  x: usize,
  before: usize,
  after: usize,
  step: v128,
  low: v128,
  high: v128,
  dx: usize,
  dBefore: usize,
  dAfter: usize,
  y: usize,
  slope: usize,
): v128 {
  let value = read(x, count, next);
  if (before != 0) value = f32x4.add(value, read(before, count, next));
  const v = f32x4.div(value, step);
  const d = read(dy, count, next);
  const clipped = f32x4.pmin(f32x4.pmax(v, low), high);
  const within = f32x4.eq(v, clipped);
  const passed = v128.and(d, within);
  write(dx, slope == 0 ? passed : f32x4.mul(passed, read(slope, count, next)), count, next);
  if (before != 0) {
    write(dBefore, f32x4.add(read(dBefore, count, next), passed), count, next);
    write(dAfter, f32x4.add(read(dAfter, count, next), d), count, next);
  }
  const r = f32x4.add(f32x4.nearest(clipped), f32x4.sub(value, value));
  if (y != 0) {
    const quantized = f32x4.mul(r, step);
    write(y, before == 0 ? quantized : f32x4.add(quantized, read(after, count, next)), count, next);
  }
  return f32x4.mul(d, f32x4.sub(r, v128.and(v, within)));
}

/** y = LSQ of one row of `width` elements that share the step at `step`. */
export function lsqRow(
  width: i32,
  low: f32,
  high: f32,
  x: usize,
  step: usize,
  before: usize,
  after: usize,
  y: usize,
): void {
  const s = effective(v128.load32_splat(step));
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  let left = width;
  // Two vectors at a time, which share their addresses.
  for (; left >= 8; left -= 8) {
    quantize(4, false, x, before, after, s, lows, highs, y);
    quantize(4, true, x, before, after, s, lows, highs, y);
    x += 32;
    y += 32;
    if (before != 0) {
      before += 32;
      after += 32;
    }
  }
  for (; left > 0; left -= 4) {
    quantize(left, false, x, before, after, s, lows, highs, y);
    x += 16;
    y += 16;
    if (before != 0) {
      before += 16;
      after += 16;
    }
  }
}

/**
 * dx of one row that shares a step, from dy; dbefore and dafter are added to, and y, unless that is 0, is what `lsqRow` gives. Where x is a function of something else, `slope` makes dx the gradient of that. Returns the row's part of dstep,
 * not yet scaled. dx may be dy.
 */
export function lsqRowGradient(
  width: i32,
  low: f32,
  high: f32,
  dy: usize,
  x: usize,
  step: usize,
  before: usize,
  after: usize,
  dx: usize,
  dBefore: usize,
  dAfter: usize,
  y: usize,
  slope: usize,
): f32 {
  const s = effective(v128.load32_splat(step));
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  let total = f32x4.splat(0);
  let left = width;
  for (; left >= 8; left -= 8) {
    const part = gradient(4, false, dy, x, before, after, s, lows, highs, dx, dBefore, dAfter, y, slope);
    const next = gradient(4, true, dy, x, before, after, s, lows, highs, dx, dBefore, dAfter, y, slope);
    total = f32x4.add(total, f32x4.add(part, next));
    x += 32;
    dy += 32;
    dx += 32;
    if (y != 0) y += 32;
    if (slope != 0) slope += 32;
    if (before != 0) {
      before += 32;
      after += 32;
      dBefore += 32;
      dAfter += 32;
    }
  }
  for (; left > 0; left -= 4) {
    total = f32x4.add(total, gradient(left, false, dy, x, before, after, s, lows, highs, dx, dBefore, dAfter, y, slope));
    x += 16;
    dy += 16;
    dx += 16;
    if (y != 0) y += 16;
    if (slope != 0) slope += 16;
    if (before != 0) {
      before += 16;
      after += 16;
      dBefore += 16;
      dAfter += 16;
    }
  }
  return sum(total);
}

/** Elements that are quantized in one go: the longest run in which neither the step (or the steps, for inner = 1) nor the offsets start again. */
@inline
function run(groups: i32, inner: i32, period: i32): i32 {
  if (inner == 1) return period != 0 ? period : groups;
  return period != 0 ? min(inner, period) : inner;
}

/**
 * y = LSQ(x + before) + after of `size` elements. Element i has step (i / inner) mod groups, and offset i mod period;
 * `period` 0 stands for no offsets. The period is a multiple or a divisor of inner.
 */
export function lsq(
  size: i32,
  groups: i32,
  inner: i32,
  period: i32,
  low: f32,
  high: f32,
  x: usize,
  step: usize,
  before: usize,
  after: usize,
  y: usize,
): void {
  const width = run(groups, inner, period);
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  for (let start = 0; start < size; start += width) {
    const s = step + 4 * <usize>((start / inner) % groups);
    const shift: usize = period != 0 ? 4 * <usize>(start % period) : 0;
    if (inner != 1) {
      lsqRow(width, low, high, x, s, before + shift, after + shift, y);
    } else {
      for (let i = 0; i < width; i += 4) {
        const at: usize = 4 * <usize>i;
        const b = before == 0 ? 0 : before + at;
        const left = width - i;
        if (left >= 4) {
          quantize(4, false, x + at, b, after + at, effective(v128.load(s + at)), lows, highs, y + at);
        } else {
          quantize(left, false, x + at, b, after + at, effective(load(s + at, left, 1)), lows, highs, y + at);
        }
      }
    }
    x += 4 * <usize>width;
    y += 4 * <usize>width;
  }
}

/**
 * dx, dstep, dbefore and dafter of `lsq`, where it `adds` the last three added to what is there; `factor` scales dstep, and `slope`
 * [size] dx, unless it is 0. y is that of `lsq` again, 0 for none; dx may be dy.
 */
export function lsqGradient(
  size: i32,
  groups: i32,
  inner: i32,
  period: i32,
  low: f32,
  high: f32,
  factor: f32,
  dy: usize,
  x: usize,
  step: usize,
  before: usize,
  after: usize,
  slope: usize,
  dx: usize,
  y: usize,
  dStep: usize,
  dBefore: usize,
  dAfter: usize,
  adds: bool,
): void {
  if (!adds) {
    memory.fill(dStep, 0, 4 * <usize>groups);
    memory.fill(dBefore, 0, 4 * <usize>period);
    memory.fill(dAfter, 0, 4 * <usize>period);
  }
  const width = run(groups, inner, period);
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  const factors = f32x4.splat(factor);
  for (let start = 0; start < size; start += width) {
    const group: usize = 4 * <usize>((start / inner) % groups);
    const shift: usize = period != 0 ? 4 * <usize>(start % period) : 0;
    const to = dStep + group;
    if (inner != 1) {
      const part = lsqRowGradient(
        width,
        low,
        high,
        dy,
        x,
        step + group,
        before + shift,
        after + shift,
        dx,
        dBefore + shift,
        dAfter + shift,
        y,
        slope,
      );
      f32.store(to, f32.load(to) + part * factor);
    } else {
      for (let i = 0; i < width; i += 4) {
        const at: usize = 4 * <usize>i;
        const b = before == 0 ? 0 : before + at;
        const a = after + at;
        const c = slope == 0 ? 0 : slope + at;
        const again = y == 0 ? 0 : y + at;
        const left = width - i;
        if (left >= 4) {
          const s = effective(v128.load(step + group + at));
          const part = gradient(4, false, dy + at, x + at, b, a, s, lows, highs, dx + at, dBefore + at, dAfter + at, again, c);
          v128.store(to + at, f32x4.add(v128.load(to + at), f32x4.mul(part, factors)));
        } else {
          const s = effective(load(step + group + at, left, 1));
          const part = gradient(left, false, dy + at, x + at, b, a, s, lows, highs, dx + at, dBefore + at, dAfter + at, again, c);
          store(to + at, f32x4.add(load(to + at, left, 0), f32x4.mul(part, factors)), left);
        }
      }
    }
    x += 4 * <usize>width;
    dy += 4 * <usize>width;
    dx += 4 * <usize>width;
    if (slope != 0) slope += 4 * <usize>width;
    if (y != 0) y += 4 * <usize>width;
  }
}
