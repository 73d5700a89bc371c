import { type NamedTensors, quantizedAttention } from '@proj/ops';
import {
  initQLinear,
  lsqProbabilities,
  lsqSpec,
  lsqTokens,
  lsqValues,
  type QLinearSpec,
  qLinear,
  quantize,
} from '@proj/quant-stats';
import { slice, type Tensor } from '@tensorflow/tfjs-core';
import { namedParameters } from '../named-parameters.ts';
import type { QAttentionOptions, QAttentionSpec } from './attention.ts';
import { type Prepare, startOf } from './prepare.ts';
import { probabilities } from './probabilities.ts';

/**
 * Self-attention without QKR (`QAttention`, `QAttention_lsq`), x [B, N, C] -> [B, N, C]: one linear layer for queries, keys and values;
 * queries and keys quantized per token, values per channel, each between offsets of its own.
 */
export function plainAttention(
  x: Tensor,
  parameters: NamedTensors,
  { attn, heads, bits, proj, weights }: QAttentionSpec,
  { residual, mask }: QAttentionOptions,
  prepare: Prepare,
): Tensor {
  const [batch, tokens, width] = x.shape as [number, number, number];
  const { get } = namedParameters(parameters);
  const first: QLinearSpec = { prefix: `${attn}.qkv`, bits, signed: true, weights };
  prepare(() => initQLinear(x, parameters, first));
  const qkv = qLinear(x, parameters, first);
  const [q, k, v] = (['q', 'k', 'v'] as const).map((name, part) => {
    // Heads apart or side by side, queries and keys share a step for each token.
    const quantizer = name === 'v' ? lsqValues(bits.activation) : lsqTokens(bits.activation);
    const own = slice(qkv, [0, 0, part * width], [batch, tokens, width]);
    const step = `${attn}.quan_a_${name}_fn.s`;
    prepare(startOf(step, quantizer, () => own));
    return quantize(quantizer, own, get(step), {
      before: slice(get(`${attn}.move_qkv_b4.bias`), [part * width], [width]),
      after: get(`${attn}.move_${name}_aft.bias`),
    });
  }) as [Tensor, Tensor, Tensor];

  const rows = lsqProbabilities(bits.activation);
  const step = `${attn}.quan_a_softmax_fn.s`;
  const levels = lsqSpec(rows, [batch, heads, tokens, tokens]);
  const scores = { heads, scale: Math.sqrt(heads / width), ...levels };
  prepare(startOf(step, rows, () => probabilities(q, k, scores, mask)));
  const attended = quantizedAttention(q, k, v, get(step), scores, mask);
  const last: QLinearSpec = { prefix: `${attn}.proj`, bits: proj, signed: true, weights };
  prepare(() => initQLinear(attended, parameters, last));
  return qLinear(attended, parameters, last, residual);
}
