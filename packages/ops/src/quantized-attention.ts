import { add, matMul, mul, reshape, softmax, sum, type Tensor, tile, transpose } from '@tensorflow/tfjs-core';
import { type Differentiated, differentiable } from './differentiable.ts';
import { OpsError } from './error.ts';
import { fast } from './fast.ts';
import { lsqGradient, lsqValue } from './lsq-composed.ts';
import { requireHeads, requireScale } from './scores.ts';
import { requireFloat, requireShapes } from './shapes.ts';
import { softmaxGradient } from './softmax.ts';

/** How scores become quantized probabilities. */
export interface QuantizedAttentionSpec {
  readonly heads: number;
  /** Factor of the scores. */
  readonly scale: number;
  /** Largest code of a probability, 2^b - 1; the smallest is 0. */
  readonly high: number;
  /** Factor of the step's gradient: 1 / sqrt(high B heads N). */
  readonly gradientScale: number;
}

/**
 * Self-attention with quantized probabilities, LSQ_row(softmax(scale q_h k_hᵀ + mask)) v_h for each head h, heads side by side in the
 * columns: `k` [B, N, heads d], `v` [B, N, heads e], `step` [N] (one for each query's row of probabilities) -> [B, N, heads e], float32.
 *
 * `q` is [B, N, heads d], or [B, N, d] where all heads share their queries as in OFQ's QKR, with the tokens as queries and
 * x W^hᵀ as keys (`mergeQueryKey`). `mask` [R, heads, N, N], R a divisor of B, serves R of the batch and then the next R: Swin's
 * windows, with their relative position bias. Gradients: with P the probabilities, Q = LSQ(P): dv = Qᵀ dy, dP and dstep as in `lsq`,
 * ds = scale softmax'(dP), dq = ds k (summed over the heads where shared), dk = dsᵀ q, dmask = softmax'(dP). q, k and v are used as they come; quantize
 * them with `lsq`.
 *
 * @throws {OpsError} `OPS_SHAPE_MISMATCH`, `OPS_BAD_DTYPE`, `OPS_BAD_ARGUMENT` for heads or high that are no positive integers, or
 * a scale that is not finite.
 */
export function quantizedAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  step: Tensor,
  spec: QuantizedAttentionSpec,
  mask?: Tensor,
): Tensor {
  const tensors = mask === undefined ? { q, k, v, step } : { q, k, v, step, mask };
  requireFloat('quantizedAttention', tensors);
  const { heads, scale, high, gradientScale } = spec;
  requireProbabilities('quantizedAttention', spec);
  const [batch, tokens, width] = k.shape as [number, number, number];
  requireShapes(
    [q, k, v].every((t) => t.rank === 3 && t.size > 0 && t.shape[0] === batch && t.shape[1] === tokens) &&
      width % heads === 0 &&
      v.shape[2]! % heads === 0 &&
      (q.shape[2] === width || q.shape[2] === width / heads) &&
      step.rank === 1 &&
      step.size === tokens &&
      (mask === undefined ||
        (mask.size > 0 &&
          batch % mask.shape[0]! === 0 &&
          mask.size === mask.shape[0]! * heads * tokens ** 2 &&
          mask.rank === 4 &&
          mask.shape[1] === heads &&
          mask.shape[2] === tokens)),
    `quantizedAttention with ${heads} heads`,
    'q [B, N, heads d] or [B, N, d], k [B, N, heads d], v [B, N, heads e], step [N] and mask [R, heads, N, N] with R a divisor of B',
    tensors,
  );

  return differentiable(Object.values(tensors), ([q, k, v, step, mask]) => {
    const attrs = { heads, scale, high };
    const inputs = { q: q!, k: k!, v: v!, step: step!, ...(mask && { mask }) };
    const [value, p] = fast('QuantizedAttention', inputs, attrs) ?? [];
    if (value === undefined || p === undefined) return composed(q!, k!, v!, step!, mask, spec);
    return {
      value,
      saved: [...Object.values(inputs), p],
      gradient: (dy, kept) =>
        fast(
          'QuantizedAttentionGradient',
          { dy, ...Object.fromEntries([...Object.keys(inputs), 'p'].map((name, i) => [name, kept[i]!])) },
          { ...attrs, gradientScale },
        )!,
    };
  });
}

/** Refuses heads and levels that are no positive integers, and factors that are not finite (`OPS_BAD_ARGUMENT`). */
export function requireProbabilities(
  operation: string,
  { heads, scale, high, gradientScale }: QuantizedAttentionSpec,
): void {
  requireHeads(operation, heads);
  requireScale(operation, scale);
  if (Number.isInteger(high) && high >= 1 && Number.isFinite(gradientScale)) return;
  throw new OpsError(
    'OPS_BAD_ARGUMENT',
    `${operation}: high must be a positive integer and gradientScale finite, got high = ${high}, gradientScale = ${gradientScale}; b bits have high = 2 ** b - 1.`,
  );
}

function composed(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  step: Tensor,
  mask: Tensor | undefined,
  { heads, scale, high, gradientScale }: QuantizedAttentionSpec,
): Differentiated {
  const [batch, tokens, width] = k.shape as [number, number, number];
  const levels = { inner: tokens, low: 0, high };
  const shared = q.shape[2] !== width;
  const split = (x: Tensor): Tensor =>
    transpose(reshape(x, [batch, tokens, heads, x.shape[2]! / heads]), [0, 2, 1, 3]);
  const join = (x: Tensor): Tensor =>
    reshape(transpose(x, [0, 2, 1, 3]), [batch, tokens, heads * x.shape[3]!]);
  const queries = shared ? tile(reshape(q, [batch, 1, tokens, width / heads]), [1, heads, 1, 1]) : split(q);
  const [keys, values] = [split(k), split(v)];
  const scores = mul(matMul(queries, keys, false, true), scale);
  const repeats = mask === undefined ? 1 : batch / mask.shape[0]!;
  const p = softmax(mask === undefined ? scores : add(scores, tile(mask, [repeats, 1, 1, 1])));
  return {
    value: join(matMul(lsqValue(p, step, levels), values)),
    saved: [queries, keys, values, step, p],
    gradient: (dy, [queries, keys, values, step, p]) => {
      const d = split(dy);
      const [dp, dStep] = lsqGradient(matMul(d, values!, false, true), p!, step!, levels);
      const dScores = softmaxGradient(dp, p!);
      const ds = mul(dScores, scale);
      const dq = matMul(ds, keys!);
      return [
        shared ? sum(dq, 1) : join(dq),
        join(matMul(ds, queries!, true, false)),
        join(matMul(lsqValue(p!, step!, levels), d, true, false)),
        mul(dStep, gradientScale),
        ...(mask === undefined ? [] : [reshape(sum(reshape(dScores, [repeats, mask.size]), 0), mask.shape)]),
      ];
    },
  };
}
