import { mergeQueryKey, type NamedTensors, type QuantizedAffine, quantizedAttentionBlock } from '@proj/ops';
import { lsqSpec } from '@proj/quant-stats';
import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import { QkrError } from './error.ts';
import { lookup } from './parameters.ts';
import { type Activation, activations, offsetsOf, projBits } from './quantizers.ts';
import { type AttentionSizes, type QkrSpec, requireSpec } from './spec.ts';

export interface QkrOptions {
  /** Added to the result, [B, N, C]. */
  readonly residual?: Tensor;
  /** Added to the scores, [R, heads, N, N] with R a divisor of B: Swin's relative position bias and shift mask, for R windows in turn. */
  readonly mask?: Tensor;
  /** What is quantized in place of the product W_qᵀ W_k [heads C, C]: `frozenGradient` of `@proj/cga`, for example. */
  readonly merged?: (product: Tensor) => Tensor;
}

/**
 * OFQ's self-attention with query-key reparameterization (QKR, Liu et al. 2023): x [B, N, C] -> [B, N, C], float32.
 *
 * With q = LSQ(x), A^h = (W_q^h)ᵀ W_k^h and z^h = LSQ(q StatsQ(A^h)ᵀ), head h is LSQ(softmax(d^-1/2 q z^hᵀ + mask)) v^h, v = LSQ(q
 * StatsQ(W_v)ᵀ + b_v); then proj with both its sides quantized. Only the product of W_q and W_k is ever rounded, so that neither
 * oscillates for the other's sake. All heads are one matrix product, nothing is permuted or repeated.
 *
 * `parameters` has those of {@link qkrParameters}, each after `prefix` and a dot; any others are left alone. NaN and infinities come out as NaN.
 *
 * @throws {QkrError} QKR_INPUT_INVALID for an x that is not [B, N, C], QKR_PARAMETERS_MISMATCH, QKR_OPTION_INVALID.
 * @throws {OpsError} for a mask or residual of another shape.
 */
export function qkrAttention(
  x: Tensor,
  parameters: NamedTensors,
  prefix: string,
  spec: QkrSpec,
  { residual, mask, merged = (product) => product }: QkrOptions = {},
): Tensor {
  requireSpec(spec);
  const { heads, weightBits } = spec;
  const sizes = sizesOf(x, heads);
  const [batch, count, width] = x.shape as [number, number, number];
  const get = lookup(parameters, prefix, sizes);
  const { tokens, keys, values, probabilities, proj } = activations(spec);
  const quantized = (activation: Activation, shape: readonly number[] = x.shape) => ({
    step: get(activation.step),
    offsets: offsetsOf(activation, get)!,
    input: lsqSpec(activation.quantizer, shape),
  });
  const affine = (layer: 'v' | 'proj', activation: Activation, bits: number): QuantizedAffine => ({
    weight: get(`${layer}.weight`),
    bias: get(`${layer}.bias`),
    bits,
    ...quantized(activation),
  });
  return tidy(() => {
    const layers = {
      tokens: quantized(tokens),
      keys: {
        weight: merged(mergeQueryKey(get('q.weight'), get('k.weight'), heads)),
        bits: weightBits,
        ...quantized(keys, [batch, count * heads, width]),
      },
      values: affine('v', values, weightBits),
      probabilities: {
        step: get(probabilities.step),
        heads,
        scale: Math.sqrt(heads / width),
        ...lsqSpec(probabilities.quantizer, [batch, heads, count, count]),
      },
      proj: affine('proj', proj, projBits(spec)),
      mask,
    };
    return quantizedAttentionBlock(x, layers, residual);
  });
}

/** The sizes of an attention over x. */
export function sizesOf(x: Tensor, heads: number): AttentionSizes {
  const { shape, dtype, size } = x;
  const [, tokens, width] = shape as [number, number, number];
  if (shape.length === 3 && dtype === 'float32' && size > 0) return { tokens, width, heads };
  throw new QkrError(
    'QKR_INPUT_INVALID',
    `x must be float32 [batch, tokens, width], got ${dtype} [${shape.join(', ')}].`,
  );
}
