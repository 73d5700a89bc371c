import type { NamedTensors } from '@proj/ops';
import { qkrAttention, qkrInitialSteps } from '@proj/qkr';
import type { LayerBits } from '@proj/quant-stats';
import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { QuantizedDesign } from './design.ts';
import { lsqQkrAttention } from './lsq-qkr-attention.ts';
import { plainAttention } from './plain-attention.ts';
import { type Prepare, prepared } from './prepare.ts';

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
 * @throws {QkrError}, {QuantStatsError} or {VitError} for parameters that are missing or misshapen, as the packages of the parts do.
 */
export function qAttention(
  x: Tensor,
  parameters: NamedTensors,
  spec: QAttentionSpec,
  options: QAttentionOptions = {},
  prepare: Prepare = prepared,
): Tensor {
  if (spec.attention === 'plain') return tidy(() => plainAttention(x, parameters, spec, options, prepare));
  if (spec.weights !== 'statsq') return tidy(() => lsqQkrAttention(x, parameters, spec, options, prepare));
  const { attn, heads, bits, proj } = spec;
  const qkr = { heads, weightBits: bits.weight, activationBits: bits.activation, proj };
  prepare(() => qkrInitialSteps(x, parameters, attn, qkr, options));
  return qkrAttention(x, parameters, attn, qkr, options);
}
