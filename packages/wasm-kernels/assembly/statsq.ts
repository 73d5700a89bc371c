import { load, store, sum } from './lanes';

/** k + 1/2 of weights v over their scale. Clipped after the rounding, as -n - 1/2 then need not round to even. */
@inline
function level(v: v128, n: v128): v128 {
  const half = f32x4.splat(0.5);
  const k = f32x4.nearest(f32x4.sub(f32x4.mul(v, n), half));
  return f32x4.add(f32x4.pmin(f32x4.pmax(k, f32x4.neg(n)), f32x4.sub(n, f32x4.splat(1))), half);
}

/** q of weights w [outer, groups, inner] with one scale for each group; `levels` is n = 2^(bits - 1). */
export function statsq(outer: i32, groups: i32, inner: i32, levels: f32, w: usize, q: usize): void {
  const n = f32x4.splat(levels);
  const row: usize = 4 * <usize>inner;
  const all = row * groups;
  const whole = inner & ~3;
  for (let group = 0; group < groups; group++) {
    let total: f32 = 0;
    for (let i = 0; i < outer; i++) total += magnitudes(inner, w + all * i);
    const scale: f32 = (2 * total) / <f32>(outer * inner);
    // Weights that are all 0 have no code, but any code times 0 is 0.
    const divisor = f32x4.splat(scale == 0 ? 1 : scale);
    // A division by a power of two, which is exact wherever it is done.
    const unit = f32x4.splat(scale / levels);
    for (let i = 0; i < outer; i++) {
      const from = w + all * i;
      const to = q + all * i;
      for (let j = 0; j < whole; j += 4) {
        const at: usize = 4 * <usize>j;
        v128.store(to + at, f32x4.mul(level(f32x4.div(v128.load(from + at), divisor), n), unit));
      }
      if (whole < inner) {
        const at: usize = 4 * <usize>whole;
        const v = f32x4.div(load(from + at, inner - whole, 0), divisor);
        store(to + at, f32x4.mul(level(v, n), unit), inner - whole);
      }
    }
    w += row;
    q += row;
  }
}

/** Sum of |x| over `size` elements. */
@inline
export function magnitudes(size: i32, x: usize): f32 {
  const whole = size & ~3;
  let total = f32x4.splat(0);
  for (let i = 0; i < whole; i += 4) total = f32x4.add(total, f32x4.abs(v128.load(x + 4 * <usize>i)));
  if (whole < size) total = f32x4.add(total, f32x4.abs(load(x + 4 * <usize>whole, size - whole, 0)));
  return sum(total);
}
