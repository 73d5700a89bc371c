import {
  abs,
  add,
  clipByValue,
  div,
  engine,
  equal,
  getBackend,
  getKernel,
  greater,
  max,
  maximum,
  mean,
  min,
  minimum,
  mul,
  onesLike,
  round,
  scalar,
  sub,
  type Tensor,
  tidy,
  where,
} from '@tensorflow/tfjs-core';
import { CgaError } from './error.ts';

/** Which weights are frozen. */
export interface FreezeSpec {
  /** Bits of the weights' StatsQ quantizer. */
  readonly bits: number;
  /** BR: weights no further than this from a threshold go on training, in units of one quantization level. The paper's is 0.005. */
  readonly boundaryRange: number;
}

/**
 * How confidently each weight has its code: the distance to the nearest threshold of its StatsQ quantizer, in units of one level.
 *
 * With n = 2^(bits - 1) and s = 2 mean |w| of a row, thresholds lie at w = j s / n; those count that separate codes which occur
 * in the tensor, j from the smallest code + 1 to the largest. A weight beyond the last level, |w| >= s, is at least 1 away. Where
 * all weights have one code there is no threshold and confidence is infinite.
 *
 * A row of zeros lies on the threshold j = 0, where the reference code divides 0 by 0.
 *
 * @param weight float32 [out, in], a scale for each row; the scales are recomputed from it
 * @returns float32 [out, in]; NaN in a row with a value that is not finite
 * @throws {CgaError} CGA_WEIGHT_INVALID, CGA_OPTION_INVALID for bits that are no integer from 2 to 16.
 */
export function confidence(weight: Tensor, bits: number): Tensor {
  requireMatrix('weight', weight);
  requireBits(bits);
  return tidy(() => distance(weight, rowScales(weight), bits));
}

/**
 * The weights that CGA freezes (Liu et al. 2023; `freeze_outside_boundary_weight_idx` of the reference code): those whose confidence is
 * greater than the boundary range. Weights with their row's scale in them: nothing is remembered from step to step.
 *
 * @param weight float32 [out, in]
 * @returns bool [out, in]
 * @throws {CgaError} CGA_WEIGHT_INVALID, CGA_OPTION_INVALID.
 */
export function frozenWeights(weight: Tensor, spec: FreezeSpec): Tensor {
  requireMatrix('weight', weight);
  requireSpec(spec);
  return tidy(() => freezeMask(weight, spec).mask);
}

/** The mask of frozen weights, and every row's scale s = 2 mean |w|, [out, 1]. */
export interface FreezeMask {
  readonly mask: Tensor;
  readonly scales: Tensor;
}

/** `frozenWeights` without its checks; by the kernel `proj.CgaMask` where one is registered, as `@proj/wasm-kernels/install` does. */
export function freezeMask(weight: Tensor, { bits, boundaryRange }: FreezeSpec): FreezeMask {
  if (getKernel('proj.CgaMask', getBackend()) == null) {
    const scales = rowScales(weight);
    return { mask: greater(distance(weight, scales, bits), boundaryRange), scales };
  }
  const attributes = { levels: 2 ** (bits - 1), range: boundaryRange };
  const [mask, scales] = engine().runKernel('proj.CgaMask', { w: weight }, attributes) as Tensor[];
  return { mask: mask!, scales: scales! };
}

function rowScales(weight: Tensor): Tensor {
  return mul(mean(abs(weight), 1, true), 2);
}

function distance(weight: Tensor, scales: Tensor, bits: number): Tensor {
  const n = 2 ** (bits - 1);
  const level = div(where(equal(scales, 0), onesLike(scales), scales), n);
  // Thresholds are the integers of this scale. It is not clipped as the quantizer's is: no threshold lies beyond its bounds.
  const t = div(weight, level);
  const lowest = code(min(t), n);
  const highest = code(max(t), n);
  // Both bounds at infinity where there is no threshold: everything is then infinitely far.
  const none = equal(lowest, highest);
  const infinity = scalar(Number.POSITIVE_INFINITY);
  const first = where(none, infinity, add(lowest, 1));
  const last = where(none, infinity, highest);
  return abs(sub(t, minimum(maximum(round(t), first), last)));
}

/** StatsQ's code, which grows with t, so that only the smallest and the largest need rounding. */
function code(t: Tensor, n: number): Tensor {
  return clipByValue(round(sub(t, 0.5)), -n, n - 1);
}

export function requireMatrix(name: string, { rank, dtype, shape, size }: Tensor): void {
  if (rank === 2 && dtype === 'float32' && size > 0) return;
  throw new CgaError(
    'CGA_WEIGHT_INVALID',
    `"${name}" must be float32 [out, in], got ${dtype} [${shape.join(', ')}]; reshape it to one row for each scale, or leave it out of the targets.`,
  );
}

function requireBits(bits: number): void {
  if (Number.isInteger(bits) && bits >= 2 && bits <= 16) return;
  throw new CgaError('CGA_OPTION_INVALID', `bits must be an integer from 2 to 16, got ${bits}.`);
}

/** Refuses bits and ranges that are none (`CGA_OPTION_INVALID`). */
export function requireSpec({ bits, boundaryRange }: FreezeSpec): void {
  requireBits(bits);
  if (boundaryRange > 0 && boundaryRange <= 0.5) return;
  throw new CgaError(
    'CGA_OPTION_INVALID',
    `boundaryRange must be greater than 0 and at most 0.5 levels, where the ranges of neighbouring thresholds meet, got ${boundaryRange}; the paper's is 0.005.`,
  );
}
