import { load, store } from './lanes';

/**
 * AdamW for the `size` elements of one parameter, in torch's order of operations:
 * p' = keep p - stepSize (m' / (sqrt(v') / correction + eps)), m' = beta1 m + rest1 g, v' = beta2 v + rest2 g².
 *
 * New values may stand where the old ones stood.
 */
export function adamw(
  size: i32,
  gradient: usize,
  parameter: usize,
  mean: usize,
  variance: usize,
  newParameter: usize,
  newMean: usize,
  newVariance: usize,
  keep: f32,
  beta1: f32,
  rest1: f32,
  beta2: f32,
  rest2: f32,
  correction: f32,
  eps: f32,
  stepSize: f32,
): void {
  for (let i = 0; i < size; i += 4) {
    const at: usize = 4 * <usize>i;
    const left = size - i;
    const g = load(gradient + at, left, 0);
    const decayed = f32x4.mul(load(parameter + at, left, 0), f32x4.splat(keep));
    const m = f32x4.add(
      f32x4.mul(load(mean + at, left, 0), f32x4.splat(beta1)),
      f32x4.mul(g, f32x4.splat(rest1)),
    );
    const v = f32x4.add(
      f32x4.mul(load(variance + at, left, 0), f32x4.splat(beta2)),
      f32x4.mul(f32x4.mul(g, g), f32x4.splat(rest2)),
    );
    const root = f32x4.add(f32x4.div(f32x4.sqrt(v), f32x4.splat(correction)), f32x4.splat(eps));
    const step = f32x4.mul(f32x4.div(m, root), f32x4.splat(stepSize));
    store(newParameter + at, f32x4.sub(decayed, step), left);
    store(newMean + at, m, left);
    store(newVariance + at, v, left);
  }
}

/**
 * Gradient descent for the `size` elements of one parameter: b' = momentum b + g + decay p, p' = p - rate b'; `buffer` 0 stands for
 * none, and then b' = g + decay p. A decay of 0 leaves g alone. New values may stand where the old ones stood.
 */
export function sgd(
  size: i32,
  gradient: usize,
  parameter: usize,
  buffer: usize,
  newParameter: usize,
  newBuffer: usize,
  rate: f32,
  momentum: f32,
  decay: f32,
): void {
  for (let i = 0; i < size; i += 4) {
    const at: usize = 4 * <usize>i;
    const left = size - i;
    const p = load(parameter + at, left, 0);
    let step = load(gradient + at, left, 0);
    if (decay != 0) step = f32x4.add(step, f32x4.mul(p, f32x4.splat(decay)));
    if (buffer != 0) {
      step = f32x4.add(f32x4.mul(load(buffer + at, left, 0), f32x4.splat(momentum)), step);
      store(newBuffer + at, step, left);
    }
    store(newParameter + at, f32x4.sub(p, f32x4.mul(step, f32x4.splat(rate))), left);
  }
}

/** The sum of the squares of `size` elements, in float64. */
export function sumOfSquares(size: i32, x: usize): f64 {
  let even = f64x2.splat(0);
  let odd = f64x2.splat(0);
  for (let i = 0; i < size; i += 4) {
    const four = load(x + 4 * <usize>i, size - i, 0);
    const low = f64x2.promote_low_f32x4(four);
    const high = f64x2.promote_low_f32x4(v128.shuffle<i32>(four, four, 2, 3, 2, 3));
    even = f64x2.add(even, f64x2.mul(low, low));
    odd = f64x2.add(odd, f64x2.mul(high, high));
  }
  const sums = f64x2.add(even, odd);
  return f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
}
