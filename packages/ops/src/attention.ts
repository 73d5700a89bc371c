import { concat, matMul, reshape, slice, type Tensor, transpose } from '@tensorflow/tfjs-core';
import { type Differentiated, differentiable } from './differentiable.ts';
import { fast } from './fast.ts';
import { requireHeads, requireMask, requirePackedMask, requireScale } from './scores.ts';
import { requireFloat, requireShapes } from './shapes.ts';
import { maskedSoftmax, scoreGradients, softmaxGradient } from './softmax.ts';

/**
 * Scaled dot-product attention softmax(scale q kᵀ + mask) v (Vaswani et al. 2017, eq. 1) of `q` [..., N, d], `k` [..., M, d],
 * `v` [..., M, e] -> [..., N, e], float32; the axes before are e.g. those of batch and heads.
 *
 * `mask` [N, M], or of more axes that broadcast to [..., N, M], is added to the scores and gets a gradient: -Infinity leaves a key
 * out, a learned relative position bias is one. A query without any key gives NaN, as in PyTorch.
 *
 * @throws {OpsError} `OPS_SHAPE_MISMATCH`, `OPS_BAD_DTYPE`, `OPS_BAD_ARGUMENT` for a scale that is not finite.
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, scale: number, mask?: Tensor): Tensor {
  const tensors = mask === undefined ? { q, k, v } : { q, k, v, mask };
  requireFloat('attention', tensors);
  const leading = k.shape.slice(0, -2);
  const keys = k.shape.at(-2) ?? 0;
  requireShapes(
    keys > 0 &&
      [q, k, v].every((t) => t.rank === k.rank && leading.every((size, axis) => size === t.shape[axis])) &&
      q.shape.at(-1) === k.shape.at(-1) &&
      v.shape.at(-2) === keys,
    'attention',
    'q [..., N, d], k [..., M, d], v [..., M, e] with M > 0',
    { q, k, v },
  );
  requireMask('attention', mask, [...leading, q.shape.at(-2)!, keys]);
  requireScale('attention', scale);
  return differentiable(Object.values(tensors), ([q, k, v, mask]) => {
    const masks = mask === undefined ? {} : { mask };
    const [value, p] = fast('Attention', { q: q!, k: k!, v: v!, ...masks }, { scale }) ?? [];
    if (value === undefined || p === undefined) return composed(q!, k!, v!, scale, mask);
    return {
      value,
      saved: [q!, k!, v!, p, ...Object.values(masks)],
      gradient: (dy, [q, k, v, p, mask]) => {
        const inputs = { dy, q: q!, k: k!, v: v!, p: p!, ...(mask === undefined ? {} : { mask }) };
        return fast('AttentionGradient', inputs, { scale })!;
      },
    };
  });
}

/**
 * Self-attention on a packed projection, as timm's `qkv` layer makes it: `qkv` [B, N, 3 C], columns [q | k | v], each split into `heads` of d = C / heads -> [B, N, C], float32.
 *
 * The same as `attention` between the permutes that it needs, which a kernel that reads strided can leave out. `mask`
 * [R, heads, N, N], R a divisor of B, serves R of the batch and then the next R, as Swin's windows need it; its axes may be 1 or,
 * from the left, missing, but for the last.
 *
 * @throws {OpsError} `OPS_SHAPE_MISMATCH`, `OPS_BAD_DTYPE`, `OPS_BAD_ARGUMENT` for a scale that is not finite or a number of heads
 * that is no positive integer.
 */
export function attentionPacked(qkv: Tensor, heads: number, scale: number, mask?: Tensor): Tensor {
  const tensors = mask === undefined ? { qkv } : { qkv, mask };
  requireFloat('attentionPacked', tensors);
  requireHeads('attentionPacked', heads);
  const [batch, tokens, width] = qkv.shape as [number, number, number];
  requireShapes(
    qkv.rank === 3 && tokens > 0 && width > 0 && Number.isInteger(width / (3 * heads)),
    `attentionPacked with ${heads} heads`,
    'qkv [B, N, 3 C] with N > 0 and C a multiple of the heads',
    { qkv },
  );
  const period = requirePackedMask('attentionPacked', mask, batch, heads, tokens);
  requireScale('attentionPacked', scale);
  const channels = width / 3;
  const size = channels / heads;
  const inHeads = (x: Tensor): Tensor => {
    const apart = transpose(reshape(x, [batch, tokens, heads, size]), [0, 2, 1, 3]);
    return reshape(apart, [batch / period, period, heads, tokens, size]);
  };
  const part = (x: Tensor, index: number): Tensor =>
    inHeads(slice(x, [0, 0, index * channels], [batch, tokens, channels]));
  const join = (x: Tensor): Tensor => {
    const apart = reshape(x, [batch, heads, tokens, size]);
    return reshape(transpose(apart, [0, 2, 1, 3]), [batch, tokens, channels]);
  };

  return differentiable(Object.values(tensors), ([qkv, mask]) => {
    const attrs = { heads, scale };
    const masks = mask === undefined ? {} : { mask };
    const [value, p] = fast('AttentionPacked', { qkv: qkv!, ...masks }, attrs) ?? [];
    if (value !== undefined && p !== undefined) {
      return {
        value,
        saved: [qkv!, p, ...Object.values(masks)],
        gradient: (dy, [qkv, p, mask]) => {
          const inputs = { dy, qkv: qkv!, p: p!, ...(mask === undefined ? {} : { mask }) };
          return fast('AttentionPackedGradient', inputs, attrs)!;
        },
      };
    }
    const inner = composed(part(qkv!, 0), part(qkv!, 1), part(qkv!, 2), scale, mask);
    return {
      value: join(inner.value),
      saved: inner.saved,
      gradient: (dy, saved) => {
        const [dq, dk, dv, ...dMask] = inner.gradient(inHeads(dy), saved);
        return [concat([join(dq!), join(dk!), join(dv!)], 2), ...dMask];
      },
    };
  });
}

/** Attention and its gradient: dv = pᵀ dy, ds = softmax'(dy vᵀ), dq = scale ds k, dk = scale dsᵀ q, dmask = ds. */
function composed(q: Tensor, k: Tensor, v: Tensor, scale: number, mask: Tensor | undefined): Differentiated {
  const p = maskedSoftmax(matMul(q, k, false, true), scale, mask);
  return {
    value: matMul(p, v),
    saved: mask === undefined ? [q, k, v, p] : [q, k, v, p, mask],
    gradient: (dy, [q, k, v, p, mask]) => {
      const dScores = softmaxGradient(matMul(dy, v!, false, true), p!);
      const [ds, ...dMask] = scoreGradients(dScores, scale, mask);
      return [matMul(ds!, k!), matMul(ds!, q!, true, false), matMul(p!, dy, true, false), ...dMask];
    },
  };
}
