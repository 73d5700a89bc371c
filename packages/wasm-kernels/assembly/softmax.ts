import { expNegative } from './exp';
import { largest, load, store, sum } from './lanes';

/** y = softmax(scale x) of one row of `width` elements; y may be x. */
export function softmaxRow(width: i32, x: usize, y: usize, scale: f32): void {
  const scales = f32x4.splat(scale);
  let most = f32x4.splat(-Infinity);
  let i = 0;
  for (; i + 4 <= width; i += 4) most = f32x4.max(most, f32x4.mul(v128.load(x + 4 * <usize>i), scales));
  let maximum = largest(most);
  for (; i < width; i++) maximum = max(maximum, f32.load(x + 4 * <usize>i) * scale);
  const top = f32x4.splat(maximum);
  let total = f32x4.splat(0);
  for (let i = 0; i < width; i += 4) {
    const at: usize = 4 * <usize>i;
    const e = expNegative(f32x4.sub(f32x4.mul(load(x + at, width - i, 0), scales), top));
    store(y + at, e, width - i);
    total = f32x4.add(total, width - i >= 4 ? e : load(y + at, width - i, 0));
  }
  const inverse = f32x4.splat(1 / sum(total));
  for (let i = 0; i < width; i += 4) {
    const at: usize = 4 * <usize>i;
    store(y + at, f32x4.mul(load(y + at, width - i, 0), inverse), width - i);
  }
}

/** dx = scale y (dy - sum(dy y)) of one row; dx may be dy. */
export function softmaxRowGradient(width: i32, dy: usize, y: usize, dx: usize, scale: f32): void {
  let total = f32x4.splat(0);
  for (let i = 0; i < width; i += 4) {
    const at: usize = 4 * <usize>i;
    total = f32x4.add(total, f32x4.mul(load(dy + at, width - i, 0), load(y + at, width - i, 0)));
  }
  const inner = f32x4.splat(sum(total));
  const scales = f32x4.splat(scale);
  for (let i = 0; i < width; i += 4) {
    const at: usize = 4 * <usize>i;
    const slope = f32x4.mul(load(y + at, width - i, 0), f32x4.sub(load(dy + at, width - i, 0), inner));
    store(dx + at, f32x4.mul(slope, scales), width - i);
  }
}
