import type { NamedTensors } from '@proj/ops';
import { qkrAttention, qkrInitialSteps } from '@proj/qkr';
import type { LayerBits } from '@proj/quant-stats';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { QuantizedDesign } from './design.ts';
import { initLsqQkrAttention, lsqQkrAttention } from './lsq-qkr-attention.ts';
import { initPlainAttention, plainAttention } from './plain-attention.ts';

/** A quantized self-attention whose parameters begin with `attn`. */
export interface QAttentionSpec extends Pick<QuantizedDesign, 'weights' | 'attention'> {
  readonly attn: string;
  readonly heads: number;
  /** Of queries, keys and values: their weights and everything that these are multiplied with. */
  readonly bits: LayerBits;
  /** Of the projection and its input. */
  readonly proj: LayerBits;
}

export interface QAttentionOptions {
  /** Added to the result, [B, N, C]. */
  readonly residual?: Tensor;
  /** Added to the scores, [R, heads, N, N] with R a divisor of B: Swin's relative position bias and shift mask. */
  readonly mask?: Tensor;
  /** What is quantized in place of QKR's product [heads C, C], e.g. `frozenGradient` of `@proj/cga`; plain attention has none. */
  readonly merged?: (product: Tensor) => Tensor;
}

/**
 * The quantized self-attention of a design, x [B, N, C] -> [B, N, C].
 *
 * @throws {QkrError} or {QuantStatsError} for parameters that are missing or misshapen, as the packages of the parts do.
 */
export function qAttention(
  x: Tensor,
  parameters: NamedTensors,
  spec: QAttentionSpec,
  options: QAttentionOptions = {},
): Tensor {
  if (spec.attention === 'plain') return plainAttention(x, parameters, spec, options);
  if (spec.weights !== 'statsq') return lsqQkrAttention(x, parameters, spec, options);
  return qkrAttention(x, parameters, spec.attn, qkrSpec(spec), options);
}

/**
 * What `qAttention` starts with on `x`: the steps of all its quantizers, each from what those before it make of `x`; `parameters` has the
 * weights and the offsets.
 *
 * @throws as {@link qAttention}; {QkrError} or {QuantStatsError} for data that are not finite.
 */
export function initQAttention(
  x: Tensor,
  parameters: NamedTensors,
  spec: QAttentionSpec,
  options: Pick<QAttentionOptions, 'mask'> = {},
): Map<string, Tensor> {
  if (spec.attention === 'plain') return initPlainAttention(x, parameters, spec, options);
  if (spec.weights !== 'statsq') return initLsqQkrAttention(x, parameters, spec, options);
  return qkrInitialSteps(x, parameters, spec.attn, qkrSpec(spec), options);
}

const qkrSpec = ({ heads, bits, proj }: QAttentionSpec) => ({
  heads,
  weightBits: bits.weight,
  activationBits: bits.activation,
  proj,
});
