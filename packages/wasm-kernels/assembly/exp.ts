// 1.5 x 2^23: adding it rounds to an integer, half to even, which then stands in the low bits.
const ROUNDER: f32 = 12582912;

/**
 * e^x for x <= 0, to about 1e-7 of itself; 0 below -87.3, where float32 ends; NaN for NaN.
 *
 * x = n ln 2 + r with |r| <= ln 2 / 2, e^r by a polynomial of degree 6 (Cephes' `expf`), 2^n by its exponent bits.
 */
@inline
export function expNegative(x: v128): v128 {
  const rounded = f32x4.add(f32x4.mul(x, f32x4.splat(1.44269504)), f32x4.splat(ROUNDER));
  const n = f32x4.sub(rounded, f32x4.splat(ROUNDER));
  let r = f32x4.sub(x, f32x4.mul(n, f32x4.splat(0.693359375)));
  r = f32x4.sub(r, f32x4.mul(n, f32x4.splat(-2.12194440e-4)));
  let p = f32x4.splat(1.9875691500e-4);
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.3981999507e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1));
  p = f32x4.add(f32x4.mul(f32x4.mul(p, r), r), f32x4.add(r, f32x4.splat(1)));
  const power = i32x4.shl(i32x4.add(rounded, i32x4.splat(127)), 23);
  const tooSmall = f32x4.lt(x, f32x4.splat(-87.3));
  return v128.andnot(f32x4.mul(p, power), tooSmall);
}
