import { matMul, softmax } from '@proj/ops';
import { add, mul, reshape, type Tensor, tile, transpose } from '@tensorflow/tfjs-core';

/** softmax(scale q_h k_hᵀ + mask) [B, heads, N, N], as `quantizedAttention` of `@proj/ops` has it before its quantizer. */
export function probabilities(
  q: Tensor,
  k: Tensor,
  { heads, scale }: { readonly heads: number; readonly scale: number },
  mask: Tensor | undefined,
): Tensor {
  const [batch, tokens, width] = k.shape as [number, number, number];
  const split = (x: Tensor): Tensor =>
    transpose(reshape(x, [batch, tokens, heads, width / heads]), [0, 2, 1, 3]);
  const shared = q.shape[2] !== width;
  const queries = shared ? tile(reshape(q, [batch, 1, tokens, width / heads]), [1, heads, 1, 1]) : split(q);
  const scores = mul(matMul(queries, split(k), false, true), scale);
  if (mask === undefined) return softmax(scores);
  return softmax(add(scores, tile(mask, [batch / mask.shape[0]!, 1, 1, 1])));
}
