// Scaled dot-product attention of one head, whose matrices lie anywhere: rows `...Step` bytes apart, columns contiguous. Thus
// queries, keys and values are read and their gradients written in the packed layout of a qkv layer, without permuted copies.

import { product, productScratch } from './product';
import { softmaxRow, softmaxRowGradient } from './softmax';

/** Bytes of working memory of one head, for both directions: one [n, m], and the products'. A float64, as they may be too many for an i32. */
export function attentionScratch(n: i32, m: i32, d: i32, e: i32): f64 {
  const wide = max(productScratch(n, m, d), productScratch(n, m, e));
  const tall = max(productScratch(n, e, m), productScratch(n, d, m));
  return 4 * <f64>n * <f64>m + <f64>max(max(wide, tall), max(productScratch(m, d, n), productScratch(m, e, n)));
}

/** p [n, m] = softmax(scale q kᵀ + mask) and y [n, e] = p v, of q [n, d], k [m, d], v [m, e]; `mask` [n, m] 0 stands for none. */
export function attention(
  n: i32,
  m: i32,
  d: i32,
  e: i32,
  scale: f32,
  q: usize,
  qStep: usize,
  k: usize,
  kStep: usize,
  v: usize,
  vStep: usize,
  mask: usize,
  maskStep: usize,
  p: usize,
  y: usize,
  yStep: usize,
  scratch: usize,
): void {
  const pStep: usize = 4 * <usize>m;
  product(n, m, d, q, qStep, 4, k, 4, kStep, p, pStep, 0, 0, -Infinity, Infinity, 0, 0, scratch);
  let row = p;
  for (let i = 0; i < n; i++, row += pStep, mask += maskStep) softmaxRow(m, row, row, scale, mask);
  product(n, e, m, p, pStep, 4, v, vStep, 4, y, yStep, 0, 0, -Infinity, Infinity, 0, 0, scratch);
}

/**
 * The gradients of `attention`, from dy and p: dv = pᵀ dy, ds = softmax'(dy vᵀ), dq = scale ds k, dk = scale dsᵀ q. Adds ds to
 * `dMask` unless that is 0.
 */
export function attentionGradient(
  n: i32,
  m: i32,
  d: i32,
  e: i32,
  scale: f32,
  dy: usize,
  dyStep: usize,
  q: usize,
  qStep: usize,
  k: usize,
  kStep: usize,
  v: usize,
  vStep: usize,
  p: usize,
  dq: usize,
  dqStep: usize,
  dk: usize,
  dkStep: usize,
  dv: usize,
  dvStep: usize,
  dMask: usize,
  maskStep: usize,
  scratch: usize,
): void {
  const pStep: usize = 4 * <usize>m;
  const ds = scratch;
  const rest = scratch + pStep * n;
  product(n, m, e, dy, dyStep, 4, v, 4, vStep, ds, pStep, 0, 0, -Infinity, Infinity, 0, 0, rest);
  let at: usize = 0;
  for (let i = 0; i < n; i++, at += pStep, dMask += maskStep) {
    softmaxRowGradient(m, ds + at, p + at, ds + at, scale, dMask);
  }
  product(n, d, m, ds, pStep, 4, k, kStep, 4, dq, dqStep, 0, 0, -Infinity, Infinity, 0, 0, rest);
  product(m, d, n, ds, 4, pStep, q, qStep, 4, dk, dkStep, 0, 0, -Infinity, Infinity, 0, 0, rest);
  product(m, e, n, p, 4, pStep, dy, dyStep, 4, dv, dvStep, 0, 0, -Infinity, Infinity, 0, 0, rest);
}
