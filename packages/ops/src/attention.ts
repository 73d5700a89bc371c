import { concat, matMul, mul, reshape, slice, softmax, type Tensor, transpose } from '@tensorflow/tfjs-core';
import { type Differentiated, differentiable } from './differentiable.ts';
import { OpsError } from './error.ts';
import { fast } from './fast.ts';
import { requireFloat, requireShapes } from './shapes.ts';
import { softmaxGradient } from './softmax.ts';

/**
 * Scaled dot-product attention softmax(scale q kᵀ) v (Vaswani et al. 2017, eq. 1) of `q` [B, H, N, d], `k` [B, H, M, d], `v` [B, H, M, e] -> [B, H, N, e], float32.
 *
 * @throws {OpsError} `OPS_SHAPE_MISMATCH`, `OPS_BAD_DTYPE`, `OPS_BAD_ARGUMENT` for a scale that is not finite.
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, scale: number): Tensor {
  requireFloat('attention', { q, k, v });
  const [batch, heads, keys] = k.shape as [number, number, number];
  requireShapes(
    [q, k, v].every((t) => t.rank === 4 && t.shape[0] === batch && t.shape[1] === heads) &&
      q.shape[3] === k.shape[3] &&
      v.shape[2] === keys,
    'attention',
    'q [B, H, N, d], k [B, H, M, d], v [B, H, M, e]',
    { q, k, v },
  );
  requireFinite('attention', scale);
  return differentiable([q, k, v], ([q, k, v]) => attend(q!, k!, v!, scale));
}

/**
 * Self-attention on a packed projection, as timm's `qkv` layer makes it: `qkv` [B, N, 3 C], columns [q | k | v], each split into `heads` of d = C / heads -> [B, N, C], float32.
 *
 * The same as `attention` between the permutes that it needs, which a kernel that reads strided can leave out.
 *
 * @throws {OpsError} `OPS_SHAPE_MISMATCH`, `OPS_BAD_DTYPE`, `OPS_BAD_ARGUMENT` for a scale that is not finite or a number of heads
 * that is no positive integer.
 */
export function attentionPacked(qkv: Tensor, heads: number, scale: number): Tensor {
  requireFloat('attentionPacked', { qkv });
  if (!Number.isInteger(heads) || heads < 1) {
    throw new OpsError(
      'OPS_BAD_ARGUMENT',
      `attentionPacked: heads must be a positive integer, got ${heads}; a ViT has C / 64 as a rule.`,
    );
  }
  const [batch, tokens, width] = qkv.shape as [number, number, number];
  requireShapes(
    qkv.rank === 3 && width > 0 && Number.isInteger(width / (3 * heads)),
    `attentionPacked with ${heads} heads`,
    'qkv [B, N, 3 C] with C a multiple of the heads',
    { qkv },
  );
  requireFinite('attentionPacked', scale);
  const channels = width / 3;
  const split = (x: Tensor, part: number): Tensor =>
    transpose(
      reshape(slice(x, [0, 0, part * channels], [batch, tokens, channels]), [
        batch,
        tokens,
        heads,
        channels / heads,
      ]),
      [0, 2, 1, 3],
    );
  const join = (x: Tensor): Tensor => reshape(transpose(x, [0, 2, 1, 3]), [batch, tokens, channels]);

  return differentiable([qkv], ([qkv]) => {
    const attrs = { heads, scale };
    const [value, p] = fast('AttentionPacked', { qkv: qkv! }, attrs) ?? [];
    if (value !== undefined && p !== undefined) {
      return {
        value,
        saved: [qkv!, p],
        gradient: (dy, [qkv, p]) => fast('AttentionPackedGradient', { dy, qkv: qkv!, p: p! }, attrs)!,
      };
    }
    const inner = attend(split(qkv!, 0), split(qkv!, 1), split(qkv!, 2), scale);
    return {
      value: join(inner.value),
      saved: inner.saved,
      gradient: (dy, saved) => {
        const dyHeads = transpose(reshape(dy, [batch, tokens, heads, channels / heads]), [0, 2, 1, 3]);
        return [concat(inner.gradient(dyHeads, saved).map(join), 2)];
      },
    };
  });
}

/** Attention and its gradient: dv = pᵀ dy, ds = softmax'(dy vᵀ), dq = scale ds k, dk = scale dsᵀ q. */
function attend(q: Tensor, k: Tensor, v: Tensor, scale: number): Differentiated {
  const p = softmax(mul(matMul(q, k, false, true), scale));
  return {
    value: matMul(p, v),
    saved: [q, k, v, p],
    gradient: (dy, [q, k, v, p]) => {
      const ds = mul(softmaxGradient(matMul(dy, v!, false, true), p!), scale);
      return [matMul(ds, k!), matMul(ds, q!, true, false), matMul(p!, dy, true, false)];
    },
  };
}

function requireFinite(operation: string, scale: number): void {
  if (Number.isFinite(scale)) return;
  throw new OpsError(
    'OPS_BAD_ARGUMENT',
    `${operation}: scale must be finite, got ${scale}; pass e.g. 1 / Math.sqrt(d).`,
  );
}
