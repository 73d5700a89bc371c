import { expNegative } from './exp';
import { load, store } from './lanes';

/** Standard normal distribution Φ(x), given e^(-x²/2), with erf by Abramowitz and Stegun 7.1.26 (to 1.5e-7). */
@inline
function cumulative(x: v128, e: v128): v128 {
  const z = f32x4.abs(f32x4.mul(x, f32x4.splat(0.70710678)));
  const t = f32x4.div(f32x4.splat(1), f32x4.add(f32x4.mul(z, f32x4.splat(0.3275911)), f32x4.splat(1)));
  let p = f32x4.splat(1.061405429);
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(-1.453152027));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(1.421413741));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(-0.284496736));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(0.254829592));
  const upper = f32x4.mul(f32x4.mul(f32x4.mul(p, t), e), f32x4.splat(0.5));
  return v128.bitselect(upper, f32x4.sub(f32x4.splat(1), upper), f32x4.lt(x, f32x4.splat(0)));
}

@inline
function bell(x: v128): v128 {
  return expNegative(f32x4.mul(f32x4.mul(x, x), f32x4.splat(-0.5)));
}

/** x Φ(x). */
@inline
export function geluOf(x: v128): v128 {
  return f32x4.mul(x, cumulative(x, bell(x)));
}

/** Φ(x) + x φ(x), the slope of x Φ(x). */
@inline
export function geluSlopeOf(x: v128): v128 {
  const e = bell(x);
  return f32x4.add(cumulative(x, e), f32x4.mul(f32x4.mul(x, e), f32x4.splat(0.39894228)));
}

/** e^(-2|u|) of u = √(2/π) (x + 0.044715 x³). */
@inline
function decay(x: v128): v128 {
  const cubic = f32x4.add(f32x4.mul(f32x4.mul(x, x), f32x4.splat(0.044715)), f32x4.splat(1));
  return expNegative(f32x4.mul(f32x4.abs(f32x4.mul(x, cubic)), f32x4.splat(-1.5957691)));
}

/** (1 + tanh u) / 2 = 1 / (1 + e^(-2u)), from `e` = e^(-2|u|) and `inverse` = 1 / (1 + e). */
@inline
function logistic(x: v128, e: v128, inverse: v128): v128 {
  return v128.bitselect(f32x4.mul(e, inverse), inverse, f32x4.lt(x, f32x4.splat(0)));
}

/** x (1 + tanh u) / 2. */
@inline
export function geluTanhOf(x: v128): v128 {
  const e = decay(x);
  const inverse = f32x4.div(f32x4.splat(1), f32x4.add(e, f32x4.splat(1)));
  return f32x4.mul(x, logistic(x, e, inverse));
}

/** s + x s (1 - s) 2u' with s = (1 + tanh u) / 2, the slope of x (1 + tanh u) / 2. */
@inline
export function geluTanhSlopeOf(x: v128): v128 {
  const e = decay(x);
  const inverse = f32x4.div(f32x4.splat(1), f32x4.add(e, f32x4.splat(1)));
  const inner = f32x4.add(f32x4.mul(f32x4.mul(x, x), f32x4.splat(0.21406445)), f32x4.splat(1.5957691));
  const steepness = f32x4.mul(f32x4.mul(e, inverse), inverse);
  return f32x4.add(logistic(x, e, inverse), f32x4.mul(f32x4.mul(x, steepness), inner));
}

/** y = x Φ(x) of `size` elements. */
export function gelu(size: i32, x: usize, y: usize): void {
  for (let i = 0; i < size; i += 4) {
    const at: usize = 4 * <usize>i;
    store(y + at, geluOf(load(x + at, size - i, 0)), size - i);
  }
}

/** dx = dy (Φ(x) + x φ(x)) of `size` elements. */
export function geluGradient(size: i32, dy: usize, x: usize, dx: usize): void {
  for (let i = 0; i < size; i += 4) {
    const at: usize = 4 * <usize>i;
    const slope = geluSlopeOf(load(x + at, size - i, 0));
    store(dx + at, f32x4.mul(load(dy + at, size - i, 0), slope), size - i);
  }
}

/** `gelu` in its tanh form. */
export function geluTanh(size: i32, x: usize, y: usize): void {
  for (let i = 0; i < size; i += 4) {
    const at: usize = 4 * <usize>i;
    store(y + at, geluTanhOf(load(x + at, size - i, 0)), size - i);
  }
}

/** `geluGradient` of the tanh form. */
export function geluTanhGradient(size: i32, dy: usize, x: usize, dx: usize): void {
  for (let i = 0; i < size; i += 4) {
    const at: usize = 4 * <usize>i;
    const slope = geluTanhSlopeOf(load(x + at, size - i, 0));
    store(dx + at, f32x4.mul(load(dy + at, size - i, 0), slope), size - i);
  }
}
