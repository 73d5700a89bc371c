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

/** y = step codes(x + before) + after of up to four elements; `before` 0 stands for none of both. */
@inline
function quantize(count: i32, x: usize, before: usize, after: usize, step: v128, low: v128, high: v128, y: usize): void {
  let value = load(x, count, 0);
  if (before != 0) value = f32x4.add(value, load(before, count, 0));
  let result = f32x4.mul(codes(value, f32x4.div(value, step), low, high), step);
  if (before != 0) result = f32x4.add(result, load(after, count, 0));
  store(y, result, count);
}

/**
 * dx, times the slope where one is given, dbefore and dafter added to, and y unless that is 0 (without offsets), of up to four
 * elements; returns what they add to dstep.
 */
@inline
function gradient(
  count: i32,
  dy: usize,
  x: usize,
  before: usize,
  step: v128,
  low: v128,
  high: v128,
  dx: usize,
  dBefore: usize,
  dAfter: usize,
  y: usize,
  slope: usize,
): v128 {
  let value = load(x, count, 0);
  if (before != 0) value = f32x4.add(value, load(before, count, 0));
  const v = f32x4.div(value, step);
  const d = load(dy, count, 0);
  const within = v128.and(f32x4.ge(v, low), f32x4.le(v, high));
  const passed = v128.and(d, within);
  store(dx, slope == 0 ? passed : f32x4.mul(passed, load(slope, count, 0)), count);
  if (before != 0) {
    store(dBefore, f32x4.add(load(dBefore, count, 0), passed), count);
    store(dAfter, f32x4.add(load(dAfter, count, 0), d), count);
  }
  const r = codes(value, v, low, high);
  if (y != 0) store(y, f32x4.mul(r, step), count);
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
  const whole = width & ~3;
  for (let i = 0; i < whole; i += 4) {
    quantize(4, x, before, after, s, lows, highs, y);
    x += 16;
    y += 16;
    if (before != 0) {
      before += 16;
      after += 16;
    }
  }
  if (whole < width) quantize(width - whole, x, before, after, s, lows, highs, y);
}

/**
 * dx of one row that shares a step, from dy; dbefore and dafter are added to, and y, unless that is 0, is what `lsqRow` without
 * offsets gives. Where x is a function of something else, `slope` makes dx the gradient of that. Returns the row's part of dstep,
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
  dx: usize,
  dBefore: usize,
  dAfter: usize,
  y: usize = 0,
  slope: usize = 0,
): f32 {
  const s = effective(v128.load32_splat(step));
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  const whole = width & ~3;
  let total = f32x4.splat(0);
  for (let i = 0; i < whole; i += 4) {
    total = f32x4.add(total, gradient(4, dy, x, before, s, lows, highs, dx, dBefore, dAfter, y, slope));
    x += 16;
    dy += 16;
    dx += 16;
    if (y != 0) y += 16;
    if (slope != 0) slope += 16;
    if (before != 0) {
      before += 16;
      dBefore += 16;
      dAfter += 16;
    }
  }
  if (whole < width) {
    total = f32x4.add(total, gradient(width - whole, dy, x, before, s, lows, highs, dx, dBefore, dAfter, y, slope));
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
          quantize(4, x + at, b, after + at, effective(v128.load(s + at)), lows, highs, y + at);
        } else {
          quantize(left, x + at, b, after + at, effective(load(s + at, left, 1)), lows, highs, y + at);
        }
      }
    }
    x += 4 * <usize>width;
    y += 4 * <usize>width;
  }
}

/** dx, dstep, dbefore and dafter of `lsq`; `factor` scales dstep, and `slope` [size] dx, unless it is 0. */
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
  slope: usize,
  dx: usize,
  dStep: usize,
  dBefore: usize,
  dAfter: usize,
): void {
  memory.fill(dStep, 0, 4 * <usize>groups);
  if (period != 0) {
    memory.fill(dBefore, 0, 4 * <usize>period);
    memory.fill(dAfter, 0, 4 * <usize>period);
  }
  const width = run(groups, inner, period);
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
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
        dx,
        dBefore + shift,
        dAfter + shift,
        0,
        slope,
      );
      f32.store(to, f32.load(to) + part);
    } else {
      for (let i = 0; i < width; i += 4) {
        const at: usize = 4 * <usize>i;
        const b = before == 0 ? 0 : before + at;
        const c = slope == 0 ? 0 : slope + at;
        const left = width - i;
        if (left >= 4) {
          const s = effective(v128.load(step + group + at));
          const part = gradient(4, dy + at, x + at, b, s, lows, highs, dx + at, dBefore + at, dAfter + at, 0, c);
          v128.store(to + at, f32x4.add(v128.load(to + at), part));
        } else {
          const s = effective(load(step + group + at, left, 1));
          const part = gradient(left, dy + at, x + at, b, s, lows, highs, dx + at, dBefore + at, dAfter + at, 0, c);
          store(to + at, f32x4.add(load(to + at, left, 0), part), left);
        }
      }
    }
    x += 4 * <usize>width;
    dy += 4 * <usize>width;
    dx += 4 * <usize>width;
    if (slope != 0) slope += 4 * <usize>width;
  }
  scale(groups, dStep, factor);
}

/** x [size] times a factor, in place. */
export function scale(size: i32, x: usize, factor: f32): void {
  const factors = f32x4.splat(factor);
  for (let i = 0; i < size; i += 4) {
    const at = x + 4 * <usize>i;
    store(at, f32x4.mul(load(at, size - i, 0), factors), size - i);
  }
}
