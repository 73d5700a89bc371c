import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import { isFast } from './fast.ts';
import { linear } from './linear.ts';
import { type LsqOffsets, type LsqSpec, lsq, requireLsq } from './lsq.ts';
import {
  type QuantizedAttentionSpec,
  quantizedAttention,
  requireProbabilities,
} from './quantized-attention.ts';
import { named, numbers, type QuantizedAffine, quantizedLinear } from './quantized-linear.ts';
import { branch } from './residual.ts';
import { requireFloat, requireShapes } from './shapes.ts';
import { requireBits, statsq } from './statsq.ts';

/** LSQ with offsets. */
export interface QuantizedTensor {
  readonly step: Tensor;
  readonly offsets: LsqOffsets;
  readonly input: LsqSpec;
}

/** The layers of OFQ's attention with QKR (`QAttention_qkreparam`), their quantizers being those of what the layers return. */
export interface QuantizedAttentionLayers {
  /** LSQ on x, of which keys and values are made and which serves as queries. */
  readonly tokens: QuantizedTensor;
  /** `weight` [heads C, C] is `mergeQueryKey`'s. */
  readonly keys: QuantizedTensor & { readonly weight: Tensor; readonly bits: number };
  readonly values: QuantizedAffine;
  /** Steps [N] and levels of the probabilities. */
  readonly probabilities: QuantizedAttentionSpec & { readonly step: Tensor };
  /** Its quantizer is that of its input, as in `quantizedLinear`. */
  readonly proj: QuantizedAffine;
  /** As in `quantizedAttention`. */
  readonly mask?: Tensor | undefined;
}

/**
 * proj(quantizedAttention(q, LSQ(q W_kᵀ), LSQ(q W_vᵀ + b_v))) with q = LSQ(x) and weights by StatsQ, plus `residual` where one is given:
 * `x` [B, N, C] -> [B, N, C], float32; gradients as its parts have them.
 *
 * With kernels it is one step of the tape, which goes through a few images at a time; kept for the gradient are x, the quantized
 * weights, keys and values before their quantizers, the probabilities, and what they make of the values.
 *
 * @throws {OpsError} `OPS_SHAPE_MISMATCH`, `OPS_BAD_DTYPE`, `OPS_BAD_ARGUMENT`, as its parts do.
 */
export function quantizedAttentionBlock(
  x: Tensor,
  { tokens, keys, values, probabilities, proj, mask }: QuantizedAttentionLayers,
  residual?: Tensor,
): Tensor {
  requireBlock(x, { tokens, keys, values, probabilities, proj, mask }, residual);
  if (!isFast('QuantizedAttentionBlock')) {
    return tidy(() => {
      const q = lsq(x, tokens.step, tokens.input, tokens.offsets);
      const weight = (w: Tensor, bits: number): Tensor =>
        statsq(w, { bits, groups: w.shape[0]!, inner: w.shape[1]! });
      const k = lsq(linear(q, weight(keys.weight, keys.bits)), keys.step, keys.input, keys.offsets);
      const v = linear(q, weight(values.weight, values.bits), values.bias);
      const vq = lsq(v, values.step, values.input, values.offsets);
      const attended = quantizedAttention(q, k, vq, probabilities.step, probabilities, mask);
      return quantizedLinear(attended, proj, residual);
    });
  }
  const { step, heads, scale, high, gradientScale } = probabilities;
  const inputs = {
    x,
    // What else these may hold, a bias perhaps, is no input and would get no gradient.
    ...named({ step: tokens.step, offsets: tokens.offsets, input: tokens.input }, 'X'),
    ...named({ weight: keys.weight, step: keys.step, offsets: keys.offsets, input: keys.input }, 'K'),
    ...named(values, 'V'),
    step,
    ...named(proj, 'P'),
    ...(mask && { mask }),
    ...(residual && { residual }),
  };
  const kept = ['quantizedK', 'quantizedV', 'quantizedP', 'keys', 'values', 'attended', 'p'];
  const unread = ['weightK', 'weightV', 'biasV', 'weightP', 'biasP', 'residual'];
  return branch('QuantizedAttentionBlock', inputs, unread, kept, {
    ...{ heads, scale, high, gradientScale },
    ...numbers(tokens, 'X'),
    ...numbers(keys, 'K'),
    ...numbers(values, 'V'),
    ...numbers(proj, 'P'),
  });
}

function requireBlock(
  x: Tensor,
  { tokens, keys, values, probabilities, proj, mask }: QuantizedAttentionLayers,
  residual: Tensor | undefined,
): void {
  const operation = 'quantizedAttentionBlock';
  const tensors = {
    x,
    'keys.weight': keys.weight,
    'values.weight': values.weight,
    'values.bias': values.bias,
    'proj.weight': proj.weight,
    'proj.bias': proj.bias,
    step: probabilities.step,
    ...(mask && { mask }),
    ...(residual && { residual }),
  };
  requireFloat(operation, tensors);
  requireProbabilities(operation, probabilities);
  for (const { bits } of [keys, values, proj]) requireBits(operation, bits);
  const { heads } = probabilities;
  const [batch, count, width] = x.shape as [number, number, number];
  const shapes = [[heads * width, width], [width, width], [width], [width, width], [width], [count]];
  const [, ...parameters] = Object.values(tensors);
  requireShapes(
    x.rank === 3 &&
      x.size > 0 &&
      width % heads === 0 &&
      shapes.every((shape, i) => parameters[i]!.shape.join() === shape.join()) &&
      (residual === undefined || residual.shape.join() === x.shape.join()) &&
      (mask === undefined ||
        (mask.size > 0 &&
          batch % mask.shape[0]! === 0 &&
          mask.shape.join() === [mask.shape[0], heads, count, count].join())),
    `${operation} with ${heads} heads`,
    'x [B, N, C], keys [heads C, C], values and proj [C, C] with their biases, step [N], mask [R, heads, N, N] with R a divisor of B, and a residual like x',
    tensors,
  );
  for (const { step, input, offsets } of [tokens, values, proj])
    requireLsq(operation, x.shape, step, input, offsets);
  requireLsq(operation, [batch, count, heads * width], keys.step, keys.input, keys.offsets);
}
