import { linear, type NamedTensors, quantizedAttention } from '@proj/ops';
import {
  type Bits,
  type LsqQuantizer,
  lsqColumns,
  lsqInput,
  lsqProbabilities,
  lsqSpec,
  lsqTokens,
  lsqValues,
  quantize,
} from '@proj/quant-stats';
import { add, reshape, slice, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { namedParameters } from '../named-parameters.ts';
import type { QAttentionOptions, QAttentionSpec } from './attention.ts';

/** A linear layer whose input is quantized by `quantizer`, and whose weight lies on its levels already. */
export function frozenAffine(
  x: Tensor,
  parameters: NamedTensors,
  prefix: string,
  quantizer: LsqQuantizer,
): Tensor {
  const { weight, bias } = namedParameters(parameters).affine(prefix);
  return linear(lsqInput(x, parameters, { prefix, quantizer }), weight, bias);
}

/** The same within a block: tokens [B, N, in] or Swin's maps [B, H, W, in], unsigned behind a GELU. */
export function frozenLinear(
  x: Tensor,
  parameters: NamedTensors,
  prefix: string,
  bits: Bits,
  signed = true,
): Tensor {
  const quantizer = x.rank === 4 ? lsqColumns(bits, signed) : lsqTokens(bits, signed);
  return frozenAffine(x, parameters, prefix, quantizer);
}

/** `qAttention` of an unpacked model, x [B, N, C] -> [B, N, C]; QKR's product is `qk.weight`. */
export function frozenAttention(
  x: Tensor,
  parameters: NamedTensors,
  { attn, heads, attention, bits, proj }: Omit<QAttentionSpec, 'weights'>,
  { residual, mask }: Omit<QAttentionOptions, 'merged'> = {},
): Tensor {
  const [batch, tokens, width] = x.shape as [number, number, number];
  const { activation } = bits;
  return tidy(() => {
    const [q, k, v] =
      attention === 'qkr'
        ? reparameterized(x, parameters, attn, heads, activation)
        : separate(x, parameters, attn, activation);
    const levels = lsqSpec(lsqProbabilities(activation), [batch, heads, tokens, tokens]);
    const scores = { heads, scale: Math.sqrt(heads / width), ...levels };
    const step = namedParameters(parameters).get(`${attn}.quan_a_softmax_fn.s`);
    const attended = quantizedAttention(q, k, v, step, scores, mask);
    const y = frozenLinear(attended, parameters, `${attn}.proj`, proj.activation);
    return residual === undefined ? y : add(residual, y);
  });
}

type QueriesKeysValues = readonly [Tensor, Tensor, Tensor];

/** Tokens as queries, what the product makes of them as keys. */
function reparameterized(
  x: Tensor,
  parameters: NamedTensors,
  attn: string,
  heads: number,
  bits: Bits,
): QueriesKeysValues {
  const [batch, tokens, width] = x.shape as [number, number, number];
  const get = (name: string): Tensor => namedParameters(parameters).get(`${attn}.${name}`);
  const moved = (name: string) => ({
    before: get(`move_${name}_b4.bias`),
    after: get(`move_${name}_aft.bias`),
  });
  const q = lsqInput(x, parameters, { prefix: `${attn}.quant_x_4_qkv`, quantizer: lsqTokens(bits) });
  // One step for each token and head: rows are pairs of them.
  const pairs = reshape(linear(q, get('qk.weight')), [batch, tokens * heads, width]);
  const keys = quantize(lsqTokens(bits), pairs, get('quan_a_qkx_fn.s'), moved('qkx'));
  const values = linear(q, get('v.weight'), get('v.bias'));
  return [
    q,
    reshape(keys, [batch, tokens, heads * width]),
    quantize(lsqValues(bits), values, get('quan_a_v_fn.s'), moved('v')),
  ];
}

/** Without QKR. */
function separate(x: Tensor, parameters: NamedTensors, attn: string, bits: Bits): QueriesKeysValues {
  const [batch, tokens, width] = x.shape as [number, number, number];
  const get = (name: string): Tensor => namedParameters(parameters).get(`${attn}.${name}`);
  const qkv = frozenLinear(x, parameters, `${attn}.qkv`, bits);
  const part = (name: 'q' | 'k' | 'v', index: number): Tensor => {
    const own = slice(qkv, [0, 0, index * width], [batch, tokens, width]);
    const quantizer = name === 'v' ? lsqValues(bits) : lsqTokens(bits);
    return quantize(quantizer, own, get(`quan_a_${name}_fn.s`), {
      before: slice(get('move_qkv_b4.bias'), [index * width], [width]),
      after: get(`move_${name}_aft.bias`),
    });
  };
  return [part('q', 0), part('k', 1), part('v', 2)];
}
