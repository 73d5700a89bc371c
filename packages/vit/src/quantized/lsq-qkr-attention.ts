import { linear, mergeQueryKey, type NamedTensors, quantizedAttention } from '@proj/ops';
import {
  initLsqInput,
  initQLinear,
  type LsqQuantizer,
  lsqInput,
  lsqPlusRows,
  lsqProbabilities,
  lsqRows,
  lsqSpec,
  lsqTokens,
  lsqValues,
  type QLinearSpec,
  qLinear,
  quantize,
} from '@proj/quant-stats';
import { reshape, type Tensor } from '@tensorflow/tfjs-core';
import { namedParameters } from '../named-parameters.ts';
import type { QAttentionOptions, QAttentionSpec } from './attention.ts';
import { type Prepare, startOf } from './prepare.ts';
import { probabilities } from './probabilities.ts';

/**
 * QKR's self-attention with weights quantized by LSQ or LSQ+ in place of StatsQ, x [B, N, C] -> [B, N, C]: what QKR alone does for the
 * baselines. The reference code has no such thing. Beside the weights' steps the parameters are QKR's.
 */
export function lsqQkrAttention(
  x: Tensor,
  parameters: NamedTensors,
  { attn, heads, bits, proj, weights }: QAttentionSpec,
  { residual, mask, merged = (product) => product }: QAttentionOptions,
  prepare: Prepare,
): Tensor {
  const [batch, tokens, width] = x.shape as [number, number, number];
  const named = namedParameters(parameters);
  const get = (name: string): Tensor => named.get(`${attn}.${name}`);
  const started = (name: string, quantizer: LsqQuantizer, data: Tensor): Tensor => {
    prepare(startOf(`${attn}.${name}`, quantizer, () => data));
    return get(name);
  };
  const moved = (name: string) => ({
    before: get(`move_${name}_b4.bias`),
    after: get(`move_${name}_aft.bias`),
  });
  const byRow = weights === 'lsq+' ? lsqPlusRows(bits.weight) : lsqRows(bits.weight);
  const perToken = lsqTokens(bits.activation);

  const input = { prefix: `${attn}.quant_x_4_qkv`, quantizer: perToken };
  prepare(() => initLsqInput(x, input));
  const q = lsqInput(x, parameters, input);
  const product = merged(mergeQueryKey(get('q.weight'), get('k.weight'), heads));
  const z = linear(q, quantize(byRow, product, started('qk_quant.s', byRow, product)));
  // One step for each token and head: rows are pairs of them.
  const pairs = reshape(z, [batch, tokens * heads, width]);
  const keys = quantize(perToken, pairs, started('quan_a_qkx_fn.s', perToken, pairs), moved('qkx'));
  const k = reshape(keys, [batch, tokens, heads * width]);
  const latent = get('v.weight');
  const values = linear(q, quantize(byRow, latent, started('v_quant.s', byRow, latent)), get('v.bias'));
  const perChannel = lsqValues(bits.activation);
  const v = quantize(perChannel, values, started('quan_a_v_fn.s', perChannel, values), moved('v'));

  const rows = lsqProbabilities(bits.activation);
  const levels = lsqSpec(rows, [batch, heads, tokens, tokens]);
  const scores = { heads, scale: Math.sqrt(heads / width), ...levels };
  prepare(startOf(`${attn}.quan_a_softmax_fn.s`, rows, () => probabilities(q, k, scores, mask)));
  const attended = quantizedAttention(q, k, v, get('quan_a_softmax_fn.s'), scores, mask);
  const last: QLinearSpec = { prefix: `${attn}.proj`, bits: proj, signed: true, weights };
  prepare(() => initQLinear(attended, parameters, last));
  return qLinear(attended, parameters, last, residual);
}
