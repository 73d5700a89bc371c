// Self-attention read and written in the packed layout [batch, tokens, 3, heads, size], without permuted copies.

import { product, productScratch } from './product';
import { softmaxRow, softmaxRowGradient } from './softmax';

/** Bytes of working memory for both directions: one head's [tokens, tokens], and the products'. */
export function attentionScratch(tokens: i32, size: i32): i32 {
  const products = max(productScratch(tokens, tokens, size), productScratch(tokens, size, tokens));
  return 4 * tokens * tokens + products;
}

/** y [batch, tokens, heads, size] and p [batch, heads, tokens, tokens] = softmax(scale q kᵀ) of each head. */
export function attentionPacked(
  batch: i32,
  tokens: i32,
  heads: i32,
  size: i32,
  scale: f32,
  qkv: usize,
  y: usize,
  p: usize,
  scratch: usize,
): void {
  const headStep: usize = 4 * <usize>size;
  const yStep = headStep * heads;
  const step: usize = 3 * yStep;
  const pStep: usize = 4 * <usize>tokens;
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      const q = qkv + headStep * h;
      const k = q + yStep;
      const v = k + yStep;
      product(tokens, tokens, size, q, step, 4, k, 4, step, p, pStep, 0, 0, -Infinity, Infinity, 0, 0, scratch);
      for (let i = 0; i < tokens; i++) softmaxRow(tokens, p + pStep * i, p + pStep * i, scale);
      product(
        tokens,
        size,
        tokens,
        p,
        pStep,
        4,
        v,
        step,
        4,
        y + headStep * h,
        yStep,
        0,
        0,
        -Infinity,
        Infinity,
        0,
        0,
        scratch,
      );
      p += pStep * tokens;
    }
    qkv += step * tokens;
    y += yStep * tokens;
  }
}

/** dqkv from dy, qkv and p: dv = pᵀ dy, ds = softmax'(dy vᵀ), dq = scale ds k, dk = scale dsᵀ q. */
export function attentionPackedGradient(
  batch: i32,
  tokens: i32,
  heads: i32,
  size: i32,
  scale: f32,
  dy: usize,
  qkv: usize,
  p: usize,
  dqkv: usize,
  scratch: usize,
): void {
  const headStep: usize = 4 * <usize>size;
  const yStep = headStep * heads;
  const step: usize = 3 * yStep;
  const pStep: usize = 4 * <usize>tokens;
  const ds = scratch;
  const rest = scratch + pStep * tokens;
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      const q = qkv + headStep * h;
      const k = q + yStep;
      const v = k + yStep;
      const dq = dqkv + headStep * h;
      const d = dy + headStep * h;
      product(tokens, tokens, size, d, yStep, 4, v, 4, step, ds, pStep, 0, 0, -Infinity, Infinity, 0, 0, rest);
      for (let i = 0; i < tokens; i++) {
        softmaxRowGradient(tokens, ds + pStep * i, p + pStep * i, ds + pStep * i, scale);
      }
      product(tokens, size, tokens, ds, pStep, 4, k, step, 4, dq, step, 0, 0, -Infinity, Infinity, 0, 0, rest);
      product(tokens, size, tokens, ds, 4, pStep, q, step, 4, dq + yStep, step, 0, 0, -Infinity, Infinity, 0, 0, rest);
      product(
        tokens,
        size,
        tokens,
        p,
        4,
        pStep,
        d,
        yStep,
        4,
        dq + 2 * yStep,
        step,
        0,
        0,
        -Infinity,
        Infinity,
        0,
        0,
        rest,
      );
      p += pStep * tokens;
    }
    dy += yStep * tokens;
    qkv += step * tokens;
    dqkv += step * tokens;
  }
}
