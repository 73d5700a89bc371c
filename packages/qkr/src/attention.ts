import { mergeQueryKey, type NamedTensors, type QuantizedAffine, quantizedAttentionBlock } from '@proj/ops';
import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import { QkrError } from './error.ts';
import { lookup } from './parameters.ts';
import { lsqSpec, offsetsOf, type Quantizer, quantizers } from './quantizers.ts';
import { type AttentionSizes, type QkrSpec, requireBits } from './spec.ts';

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
  { heads, weightBits: bits, activationBits }: QkrSpec,
  { residual, mask, merged = (product) => product }: QkrOptions = {},
): Tensor {
  requireBits({ weightBits: bits, activationBits });
  const sizes = sizesOf(x, heads);
  const get = lookup(parameters, prefix, sizes);
  const { tokens, keys, values, probabilities, proj } = quantizers(sizes);
  const quantized = (quantizer: Quantizer, size: number) => ({
    step: get(quantizer.step),
    offsets: offsetsOf(quantizer, get)!,
    input: lsqSpec(quantizer, activationBits, size),
  });
  const affine = (layer: 'v' | 'proj', quantizer: Quantizer): QuantizedAffine => ({
    weight: get(`${layer}.weight`),
    bias: get(`${layer}.bias`),
    bits,
    ...quantized(quantizer, x.size),
  });
  const { high, gradientScale } = lsqSpec(probabilities, activationBits, scoreCount(x, heads));
  return tidy(() => {
    const layers = {
      tokens: quantized(tokens, x.size),
      keys: {
        weight: merged(mergeQueryKey(get('q.weight'), get('k.weight'), heads)),
        bits,
        ...quantized(keys, heads * x.size),
      },
      values: affine('v', values),
      probabilities: {
        step: get(probabilities.step),
        heads,
        scale: Math.sqrt(heads / sizes.width),
        high,
        gradientScale,
      },
      proj: affine('proj', proj),
      mask,
    };
    return quantizedAttentionBlock(x, layers, residual);
  });
}

/** Elements of the scores of all heads. */
const scoreCount = (x: Tensor, heads: number): number => heads * x.shape[0]! * x.shape[1]! ** 2;

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
