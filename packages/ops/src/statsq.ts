import {
  abs,
  add,
  clipByValue,
  clone,
  div,
  equal,
  mean,
  mul,
  onesLike,
  reshape,
  round,
  sub,
  type Tensor,
  where,
} from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.ts';
import { OpsError } from './error.ts';
import { fast } from './fast.ts';
import { requireFloat, requireShapes } from './shapes.ts';

/** A StatsQ quantizer. */
export interface StatsqSpec {
  /** At least 2; there are 2^bits levels, none of them 0. */
  readonly bits: number;
  /** G, the number of scales. */
  readonly groups: number;
  /** Neighbouring weights that share a scale; the next `inner` have the next scale, after the last comes the first again. */
  readonly inner: number;
}

/**
 * Fake-quantizes weights by their statistics (OFQ's StatsQ, Liu et al. 2023): with n = 2^(bits - 1) and s = 2 mean |w| of those that
 * share a scale, q = s (k + 1/2) / n with code k = round(n clip(w / s, -1, 1) - 1/2) in [-n, n - 1], of w's shape, float32.
 *
 * w is read as [..., groups, inner], whatever its shape: rows of [out, in] with groups = out, inner = in. Rounds half to even.
 * The gradient is the identity, also for weights beyond the last level: dw = dq. Weights that are all 0 give 0, where the reference
 * code gives NaN; a weight that is NaN or infinite makes NaN or infinity of all that share its scale.
 *
 * @throws {OpsError} `OPS_SHAPE_MISMATCH`, `OPS_BAD_DTYPE`, `OPS_BAD_ARGUMENT` for bits that are no integer from 2 to 16.
 */
export function statsq(w: Tensor, { bits, groups, inner }: StatsqSpec): Tensor {
  requireFloat('statsq', { w });
  requireBits('statsq', bits);
  requireShapes(
    w.size > 0 &&
      Number.isInteger(groups) &&
      Number.isInteger(inner) &&
      groups > 0 &&
      inner > 0 &&
      w.size % (groups * inner) === 0,
    `statsq with groups = ${groups}, inner = ${inner}`,
    'w of a multiple of groups inner elements',
    { w },
  );
  const levels = 2 ** (bits - 1);
  return differentiable([w], ([w]) => ({
    value: fast('Statsq', { w: w! }, { levels, groups, inner })?.[0] ?? composed(w!, levels, groups, inner),
    saved: [],
    gradient: (dy) => [clone(dy)],
  }));
}

/** Refuses bits that are no integer from 2 to 16 (`OPS_BAD_ARGUMENT`). */
export function requireBits(operation: string, bits: number): void {
  if (Number.isInteger(bits) && bits >= 2 && bits <= 16) return;
  throw new OpsError('OPS_BAD_ARGUMENT', `${operation}: bits must be an integer from 2 to 16, got ${bits}.`);
}

function composed(w: Tensor, levels: number, groups: number, inner: number): Tensor {
  const grouped = reshape(w, [w.size / (groups * inner), groups, inner]);
  const scale = mul(mean(abs(grouped), [0, 2], true), 2);
  // 0 / 0 has no code, but any code times 0 is 0.
  const v = div(grouped, where(equal(scale, 0), onesLike(scale), scale));
  // Clipped after the rounding: the tie at -n - 1/2, where a saturated weight falls, then need not round to even.
  const k = clipByValue(round(sub(mul(v, levels), 0.5)), -levels, levels - 1);
  return reshape(mul(div(add(k, 0.5), levels), scale), w.shape);
}
