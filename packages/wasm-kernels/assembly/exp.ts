import {
  EXP_2,
  EXP_3,
  EXP_4,
  EXP_5,
  EXP_6,
  EXPONENT,
  LEAST_EXPONENT,
  LN2_HIGH,
  LN2_LOW,
  LOG2_E,
  ONE,
} from './constants';

/**
 * e^x for x <= 0, to about 1e-7 of itself; 0 below -87.3, where float32 ends; NaN for NaN.
 *
 * x = n ln 2 + r with |r| <= ln 2 / 2; e^r by a polynomial of degree 6, whose own error is 3e-9; 2^n by its exponent bits.
 */
@inline
export function expNegative(x: v128): v128 {
  // Adding 1.5 x 2^23 rounds to an integer, half to even, which then stands in the low bits; adding 127 besides, 2^n's exponent.
  const rounded = f32x4.add(f32x4.mul(x, LOG2_E), EXPONENT);
  const n = f32x4.sub(rounded, EXPONENT);
  const r = f32x4.sub(f32x4.sub(x, f32x4.mul(n, LN2_HIGH)), f32x4.mul(n, LN2_LOW));
  const square = f32x4.mul(r, r);
  const low = f32x4.add(f32x4.mul(r, EXP_3), EXP_2);
  const high = f32x4.add(f32x4.mul(square, EXP_6), f32x4.add(f32x4.mul(r, EXP_5), EXP_4));
  const curve = f32x4.add(f32x4.mul(high, square), low);
  const power = f32x4.add(f32x4.mul(curve, square), f32x4.add(r, ONE));
  const value = f32x4.mul(power, i32x4.shl(rounded, 23));
  return v128.andnot(value, f32x4.lt(x, LEAST_EXPONENT));
}
