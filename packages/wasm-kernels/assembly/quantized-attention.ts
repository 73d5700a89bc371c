// Self-attention with quantized probabilities, each head read and written in the columns of [batch, tokens, heads, size].

import { NONE } from './epilogue';
import { lsqRow, lsqRowGradient } from './lsq';
import { product, productScratch } from './product';
import { softmaxRow, softmaxRowGradient } from './softmax';

/** Bytes of working memory for both directions, as a float64: two of one head's [tokens, tokens], and the products'. */
export function quantizedAttentionScratch(tokens: i32, size: i32, valueSize: i32): f64 {
  const square = productScratch(tokens, tokens, max(size, valueSize));
  // Fewer columns may need more: B is then packed deeper.
  const tall = max(productScratch(tokens, size, tokens), productScratch(tokens, valueSize, tokens));
  return 8 * <f64>tokens * <f64>tokens + <f64>max(square, tall);
}

/** C = FROM + A B, nothing else. */
@inline
function add(
  m: i32,
  n: i32,
  k: i32,
  a: usize,
  aRowStep: usize,
  aColumnStep: usize,
  b: usize,
  bRowStep: usize,
  bColumnStep: usize,
  c: usize,
  cStep: usize,
  from: usize,
  scratch: usize,
): void {
  product(
    m,
    n,
    k,
    a,
    aRowStep,
    aColumnStep,
    b,
    bRowStep,
    bColumnStep,
    c,
    cStep,
    from,
    0,
    -Infinity,
    Infinity,
    NONE,
    0,
    scratch,
  );
}

/**
 * p [batch, heads, tokens, tokens] = softmax(scale q kᵀ + mask), y [batch, tokens, heads, valueSize] = LSQ(p) v of each head.
 * q is [batch, tokens, heads, size], or [batch, tokens, size] where it is shared by the heads; mask is [masks, heads, tokens,
 * tokens] for every `masks` of the batch in turn, none for 0.
 */
export function quantizedAttention(
  batch: i32,
  tokens: i32,
  heads: i32,
  shared: bool,
  size: i32,
  valueSize: i32,
  scale: f32,
  high: f32,
  q: usize,
  k: usize,
  v: usize,
  step: usize,
  masks: i32,
  mask: usize,
  y: usize,
  p: usize,
  scratch: usize,
): void {
  const head: usize = 4 * <usize>size;
  const kStep: usize = head * heads;
  const qHead: usize = shared ? 0 : head;
  const qStep = shared ? head : kStep;
  const vHead: usize = 4 * <usize>valueSize;
  const vStep: usize = vHead * heads;
  const pStep: usize = 4 * <usize>tokens;
  const pHead: usize = pStep * tokens;
  const quantized = scratch;
  const rest = scratch + pHead;
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      const maskHere: usize = masks == 0 ? 0 : mask + pHead * ((b % masks) * heads + h);
      add(tokens, tokens, size, q + qHead * h, qStep, 4, k + head * h, 4, kStep, p, pStep, 0, rest);
      for (let i = 0; i < tokens; i++) {
        const at = pStep * i;
        softmaxRow(tokens, p + at, p + at, scale, masks == 0 ? 0 : maskHere + at);
        lsqRow(tokens, 0, high, p + at, step + 4 * <usize>i, 0, 0, quantized + at);
      }
      add(tokens, valueSize, tokens, quantized, pStep, 4, v + vHead * h, vStep, 4, y + vHead * h, vStep, 0, rest);
      p += pHead;
    }
    q += qStep * tokens;
    k += kStep * tokens;
    v += vStep * tokens;
    y += vStep * tokens;
  }
}

/** dq, dk, dv, dstep and dmask of `quantizedAttention`, where it `adds` the last two added to what is there; `factor` scales dstep. */
export function quantizedAttentionGradient(
  batch: i32,
  tokens: i32,
  heads: i32,
  shared: bool,
  size: i32,
  valueSize: i32,
  scale: f32,
  high: f32,
  factor: f32,
  dy: usize,
  q: usize,
  k: usize,
  v: usize,
  step: usize,
  p: usize,
  dq: usize,
  dk: usize,
  dv: usize,
  dStep: usize,
  masks: i32,
  dMask: usize,
  adds: bool,
  scratch: usize,
): void {
  const head: usize = 4 * <usize>size;
  const kStep: usize = head * heads;
  const qHead: usize = shared ? 0 : head;
  const qStep = shared ? head : kStep;
  const vHead: usize = 4 * <usize>valueSize;
  const vStep: usize = vHead * heads;
  const pStep: usize = 4 * <usize>tokens;
  const pHead: usize = pStep * tokens;
  const quantized = scratch;
  const ds = scratch + pHead;
  const rest = ds + pHead;
  if (!adds) {
    memory.fill(dStep, 0, pStep);
    memory.fill(dMask, 0, pHead * masks * heads);
  }
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      const d = dy + vHead * h;
      const dMaskHere: usize = masks == 0 ? 0 : dMask + pHead * ((b % masks) * heads + h);
      const dqHere = dq + qHead * h;
      add(tokens, tokens, valueSize, d, vStep, 4, v + vHead * h, 4, vStep, ds, pStep, 0, rest);
      for (let i = 0; i < tokens; i++) {
        const at = pStep * i;
        const s: usize = 4 * <usize>i;
        const part = lsqRowGradient(tokens, 0, high, ds + at, p + at, step + s, 0, 0, ds + at, 0, 0, quantized + at, 0);
        f32.store(dStep + s, f32.load(dStep + s) + part * factor);
        softmaxRowGradient(tokens, ds + at, p + at, ds + at, scale, masks == 0 ? 0 : dMaskHere + at);
      }
      add(tokens, valueSize, tokens, quantized, 4, pStep, d, vStep, 4, dv + vHead * h, vStep, 0, rest);
      const from = shared && h > 0 ? dqHere : 0;
      add(tokens, size, tokens, ds, pStep, 4, k + head * h, kStep, 4, dqHere, qStep, from, rest);
      add(tokens, size, tokens, ds, 4, pStep, q + qHead * h, qStep, 4, dk + head * h, kStep, 0, rest);
      p += pHead;
    }
    dy += vStep * tokens;
    q += qStep * tokens;
    k += kStep * tokens;
    v += vStep * tokens;
    dq += qStep * tokens;
    dk += kStep * tokens;
    dv += vStep * tokens;
  }
}
