import { type LsqOffsets, linear, quantizedAttention, statsq } from '@proj/ops';
import { slice, type Tensor } from '@tensorflow/tfjs-core';
import { quantized } from '../kernels/quantized-parts.ts';

/**
 * The reference's attention without QKR, [B, N, C] to [B, N, C]: queries and keys quantized per token, values per channel; weights
 * by StatsQ, or by LSQ as in the baseline. Parameters begin with `layer.`.
 */
export function plainAttention(
  x: Tensor,
  get: (name: string) => Tensor,
  bits: number,
  heads: number,
  by: 'statsq' | 'lsq',
): Tensor {
  const dense = (x: Tensor, prefix: string): Tensor => {
    const offsets = { before: get(`${prefix}.move_b4.bias`), after: get(`${prefix}.move_aft.bias`) };
    const weight = get(`${prefix}.weight`);
    const [groups, inner] = weight.shape as [number, number];
    const input = quantized(x, get(`${prefix}.input_quant_fn.s`), inner, bits, true, offsets);
    return linear(input, weights(weight, prefix, groups, inner), get(`${prefix}.bias`));
  };
  const weights = (weight: Tensor, prefix: string, groups: number, inner: number): Tensor =>
    by === 'lsq'
      ? quantized(weight, get(`${prefix}.lsqw_fn.s`), inner, bits, true)
      : statsq(weight, { bits, groups, inner });
  const [batch, tokens, width] = x.shape as [number, number, number];
  const qkv = dense(x, 'layer.qkv');
  const [q, k, v] = ['q', 'k', 'v'].map((name, part) => {
    const offsets: LsqOffsets = {
      before: slice(get('layer.move_qkv_b4.bias'), [part * width], [width]),
      after: get(`layer.move_${name}_aft.bias`),
    };
    const own = slice(qkv, [0, 0, part * width], [batch, tokens, width]);
    return quantized(own, get(`layer.quan_a_${name}_fn.s`), name === 'v' ? 1 : width, bits, true, offsets);
  });
  const high = 2 ** bits - 1;
  const attended = quantizedAttention(q!, k!, v!, get('layer.quan_a_softmax_fn.s'), {
    heads,
    scale: 1 / Math.sqrt(width / heads),
    high,
    gradientScale: 1 / Math.sqrt(high * batch * heads * tokens),
  });
  return dense(attended, 'layer.proj');
}
