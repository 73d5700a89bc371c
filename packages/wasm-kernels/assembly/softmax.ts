import { expNegative } from './exp';
import { largest, load, store, sum } from './lanes';

/** y = scale x + mask of one row, where `mask` 0 stands for none; returns the largest that is no NaN, or -Infinity. y may be x. */
@inline
export function scoreRow(width: i32, scale: f32, x: usize, mask: usize, y: usize): f32 {
  const end = y + 4 * <usize>width;
  const whole = y + 4 * <usize>(width & ~3);
  const scales = f32x4.splat(scale);
  let most = f32x4.splat(-Infinity);
  if (mask == 0) {
    for (; y < whole; y += 16, x += 16) {
      const score = f32x4.mul(v128.load(x), scales);
      most = f32x4.pmax(most, score);
      v128.store(y, score);
    }
  } else {
    for (; y < whole; y += 16, x += 16, mask += 16) {
      const score = f32x4.add(f32x4.mul(v128.load(x), scales), v128.load(mask));
      most = f32x4.pmax(most, score);
      v128.store(y, score);
    }
  }
  let maximum = largest(most);
  for (; y < end; y += 4, x += 4) {
    let score = f32.load(x) * scale;
    if (mask != 0) {
      score += f32.load(mask);
      mask += 4;
    }
    if (score > maximum) maximum = score;
    f32.store(y, score);
  }
  return maximum;
}

/** y = e^(y - maximum) of one row; returns the sum, which a NaN or a row of nothing but -Infinity makes NaN. */
@inline
export function exponentialRow(width: i32, maximum: f32, y: usize): f32 {
  const whole = y + 4 * <usize>(width & ~3);
  const top = f32x4.splat(maximum);
  let total = f32x4.splat(0);
  for (; y < whole; y += 16) {
    const e = expNegative(f32x4.sub(v128.load(y), top));
    total = f32x4.add(total, e);
    v128.store(y, e);
  }
  const left = width & 3;
  if (left > 0) {
    const e = expNegative(f32x4.sub(load(y, left, -Infinity), top));
    total = f32x4.add(total, e);
    store(y, e, left);
  }
  return sum(total);
}

/** y = factor y of one row. */
@inline
export function scaleRow(width: i32, factor: f32, y: usize): void {
  const end = y + 4 * <usize>width;
  const whole = y + 4 * <usize>(width & ~3);
  const factors = f32x4.splat(factor);
  for (; y < whole; y += 16) v128.store(y, f32x4.mul(v128.load(y), factors));
  for (; y < end; y += 4) f32.store(y, f32.load(y) * factor);
}

/** y = softmax(scale x + mask) of one row of `width` elements; y may be x, `mask` 0 stands for none. */
export function softmaxRow(width: i32, x: usize, y: usize, scale: f32, mask: usize = 0): void {
  const maximum = scoreRow(width, scale, x, mask, y);
  scaleRow(width, 1 / exponentialRow(width, maximum, y), y);
}

/** ds = y (dy - sum(dy y)) of one row, dx = scale ds, and dMask + ds where `dMask` is not 0; dx may be dy. */
export function softmaxRowGradient(
  width: i32,
  dy: usize,
  y: usize,
  dx: usize,
  scale: f32,
  dMask: usize = 0,
): void {
  const bytes: usize = 4 * <usize>width;
  let total = f32x4.splat(0);
  let total2 = total;
  let at: usize = 0;
  for (; at + 32 <= bytes; at += 32) {
    total = f32x4.add(total, f32x4.mul(v128.load(dy + at), v128.load(y + at)));
    total2 = f32x4.add(total2, f32x4.mul(v128.load(dy + at, 16), v128.load(y + at, 16)));
  }
  for (; at < bytes; at += 16) {
    const left = <i32>(bytes - at) >> 2;
    total = f32x4.add(total, f32x4.mul(load(dy + at, left, 0), load(y + at, left, 0)));
  }
  const inner = f32x4.splat(sum(f32x4.add(total, total2)));
  const scales = f32x4.splat(scale);
  for (at = 0; at < bytes; at += 16) {
    const left = <i32>(bytes - at) >> 2;
    const ds = f32x4.mul(load(y + at, left, 0), f32x4.sub(load(dy + at, left, 0), inner));
    if (dMask != 0) store(dMask + at, f32x4.add(load(dMask + at, left, 0), ds), left);
    store(dx + at, f32x4.mul(ds, scales), left);
  }
}

/** `softmaxRow` of each of `rows` rows; `maskStep` is the distance in bytes between the masks of two rows, 0 for one of all. */
export function softmax(
  rows: i32,
  width: i32,
  scale: f32,
  x: usize,
  mask: usize,
  maskStep: usize,
  y: usize,
): void {
  for (let row = 0; row < rows; row++) {
    softmaxRow(width, x, y, scale, mask);
    x += 4 * <usize>width;
    y += 4 * <usize>width;
    mask += maskStep;
  }
}

/** `softmaxRowGradient` of each of `rows` rows. */
export function softmaxGradient(
  rows: i32,
  width: i32,
  scale: f32,
  dy: usize,
  y: usize,
  dx: usize,
  dMask: usize,
  maskStep: usize,
): void {
  for (let row = 0; row < rows; row++) {
    softmaxRowGradient(width, dy, y, dx, scale, dMask);
    dy += 4 * <usize>width;
    y += 4 * <usize>width;
    dx += 4 * <usize>width;
    dMask += maskStep;
  }
}
