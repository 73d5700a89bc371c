import {
  CUBIC,
  ERF_1,
  ERF_2,
  ERF_3,
  ERF_4,
  ERF_5,
  ERF_P,
  INVERSE_SQRT_2,
  INVERSE_SQRT_2_PI,
  MINUS_HALF,
  MINUS_TWICE,
  ONE,
  TWICE,
  TWICE_CUBIC,
} from './constants';
import { expNegative } from './exp';
import { load, store } from './lanes';

/** Standard normal distribution Φ(x), given e^(-x²/2), with erf by Abramowitz and Stegun 7.1.26 (to 1.5e-7). */
@inline
export function cumulative(x: v128, e: v128): v128 {
  const z = f32x4.abs(f32x4.mul(x, INVERSE_SQRT_2));
  const t = f32x4.div(ONE, f32x4.add(f32x4.mul(z, ERF_P), ONE));
  const square = f32x4.mul(t, t);
  const low = f32x4.add(f32x4.mul(t, ERF_2), ERF_1);
  const high = f32x4.add(f32x4.mul(square, ERF_5), f32x4.add(f32x4.mul(t, ERF_4), ERF_3));
  const curve = f32x4.add(f32x4.mul(high, square), low);
  const upper = f32x4.mul(f32x4.mul(curve, t), e);
  return v128.bitselect(upper, f32x4.sub(ONE, upper), f32x4.lt(x, f32x4.splat(0)));
}

/** e^(-x²/2). */
@inline
export function bell(x: v128): v128 {
  return expNegative(f32x4.mul(f32x4.mul(x, x), MINUS_HALF));
}

/** Φ(x) + x φ(x), the slope of x Φ(x), given e^(-x²/2) and Φ(x). */
@inline
export function slopeOf(x: v128, e: v128, phi: v128): v128 {
  return f32x4.add(phi, f32x4.mul(f32x4.mul(x, e), INVERSE_SQRT_2_PI));
}

/** e^(-2|u|) of u = √(2/π) (x + 0.044715 x³). */
@inline
function decay(x: v128): v128 {
  const cubic = f32x4.add(f32x4.mul(f32x4.mul(x, x), CUBIC), ONE);
  return expNegative(f32x4.mul(f32x4.abs(f32x4.mul(x, cubic)), MINUS_TWICE));
}

/** (1 + tanh u) / 2 = 1 / (1 + e^(-2u)), from `e` = e^(-2|u|) and `inverse` = 1 / (1 + e). */
@inline
function logistic(x: v128, e: v128, inverse: v128): v128 {
  return v128.bitselect(f32x4.mul(e, inverse), inverse, f32x4.lt(x, f32x4.splat(0)));
}

/** x (1 + tanh u) / 2. */
@inline
function geluTanhOf(x: v128): v128 {
  const e = decay(x);
  return f32x4.mul(x, logistic(x, e, f32x4.div(ONE, f32x4.add(e, ONE))));
}

/** s + x s (1 - s) 2u' with s = (1 + tanh u) / 2, the slope of x (1 + tanh u) / 2. */
@inline
function geluTanhSlopeOf(x: v128): v128 {
  const e = decay(x);
  const inverse = f32x4.div(ONE, f32x4.add(e, ONE));
  const inner = f32x4.add(f32x4.mul(f32x4.mul(x, x), TWICE_CUBIC), TWICE);
  const steepness = f32x4.mul(f32x4.mul(e, inverse), inverse);
  return f32x4.add(logistic(x, e, inverse), f32x4.mul(f32x4.mul(x, steepness), inner));
}

@inline
function geluOf(x: v128): v128 {
  return f32x4.mul(x, cumulative(x, bell(x)));
}

@inline
function geluSlopeOf(x: v128): v128 {
  const e = bell(x);
  return slopeOf(x, e, cumulative(x, e));
}

/** y = x Φ(x) of `size` elements. */
export function gelu(size: i32, x: usize, y: usize): void {
  const whole = x + 4 * <usize>(size & ~3);
  for (; x < whole; x += 16, y += 16) v128.store(y, geluOf(v128.load(x)));
  const left = size & 3;
  if (left > 0) store(y, geluOf(load(x, left, 0)), left);
}

/** dx = dy (Φ(x) + x φ(x)) of `size` elements. */
export function geluGradient(size: i32, dy: usize, x: usize, dx: usize): void {
  const whole = x + 4 * <usize>(size & ~3);
  for (; x < whole; x += 16, dy += 16, dx += 16) {
    v128.store(dx, f32x4.mul(v128.load(dy), geluSlopeOf(v128.load(x))));
  }
  const left = size & 3;
  if (left > 0) store(dx, f32x4.mul(load(dy, left, 0), geluSlopeOf(load(x, left, 0))), left);
}

/** `gelu` in its tanh form. */
export function geluTanh(size: i32, x: usize, y: usize): void {
  const whole = x + 4 * <usize>(size & ~3);
  for (; x < whole; x += 16, y += 16) v128.store(y, geluTanhOf(v128.load(x)));
  const left = size & 3;
  if (left > 0) store(y, geluTanhOf(load(x, left, 0)), left);
}

/** `geluGradient` of the tanh form. */
export function geluTanhGradient(size: i32, dy: usize, x: usize, dx: usize): void {
  const whole = x + 4 * <usize>(size & ~3);
  for (; x < whole; x += 16, dy += 16, dx += 16) {
    v128.store(dx, f32x4.mul(v128.load(dy), geluTanhSlopeOf(v128.load(x))));
  }
  const left = size & 3;
  if (left > 0) store(dx, f32x4.mul(load(dy, left, 0), geluTanhSlopeOf(load(x, left, 0))), left);
}
