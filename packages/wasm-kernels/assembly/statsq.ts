import { load, store, sum } from './lanes';

/** The codes' values over the scale, (k + 1/2) / n, of up to four weights over it. Clipped after the rounding, as -n - 1/2 then need not round to even. */
@inline
function level(v: v128, n: v128): v128 {
  const half = f32x4.splat(0.5);
  const k = f32x4.nearest(f32x4.sub(f32x4.mul(v, n), half));
  const code = f32x4.min(f32x4.max(k, f32x4.neg(n)), f32x4.sub(n, f32x4.splat(1)));
  return f32x4.div(f32x4.add(code, half), n);
}

/** q of weights w [outer, groups, inner] with one scale for each group; `levels` is n = 2^(bits - 1). */
export function statsq(outer: i32, groups: i32, inner: i32, levels: f32, w: usize, q: usize): void {
  const n = f32x4.splat(levels);
  const row: usize = 4 * <usize>inner;
  const all = row * groups;
  for (let group = 0; group < groups; group++) {
    let total: f32 = 0;
    for (let i = 0; i < outer; i++) total += magnitudes(inner, w + all * i);
    const scale: f32 = (2 * total) / <f32>(outer * inner);
    // Weights that are all 0 have no code, but any code times 0 is 0.
    const divisor = f32x4.splat(scale == 0 ? 1 : scale);
    const scales = f32x4.splat(scale);
    for (let i = 0; i < outer; i++) {
      const from = w + all * i;
      const to = q + all * i;
      for (let j = 0; j < inner; j += 4) {
        const at: usize = 4 * <usize>j;
        const v = f32x4.div(load(from + at, inner - j, 0), divisor);
        store(to + at, f32x4.mul(level(v, n), scales), inner - j);
      }
    }
    w += row;
    q += row;
  }
}

/** Sum of |x| over `size` elements. */
@inline
function magnitudes(size: i32, x: usize): f32 {
  let total = f32x4.splat(0);
  for (let i = 0; i < size; i += 4) {
    total = f32x4.add(total, f32x4.abs(load(x + 4 * <usize>i, size - i, 0)));
  }
  return sum(total);
}
