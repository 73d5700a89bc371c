import { matMul, reshape, type Tensor } from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.ts';
import { matMulGradients } from './mat-mul.ts';
import { requireHeads } from './scores.ts';
import { requireFloat, requireShapes } from './shapes.ts';

/**
 * OFQ's query-key reparameterization (QKR, Liu et al. 2023): W_q^hᵀ W_k^h of each head h, from `query` and `key` [C, C] -> [heads C, C], float32.
 *
 * Row h C + i belongs to feature i on the query's side: tokens x as queries and x Wᵀ as keys (`quantizedAttention` with one query for
 * all heads) have the scores of W_q x and W_k x. dW_q^h = W_k^h dWᵀ, dW_k^h = W_q^h dW.
 *
 * @throws {OpsError} `OPS_SHAPE_MISMATCH`, `OPS_BAD_DTYPE`, `OPS_BAD_ARGUMENT` for a number of heads that is no positive integer.
 */
export function mergeQueryKey(query: Tensor, key: Tensor, heads: number): Tensor {
  requireFloat('mergeQueryKey', { query, key });
  requireHeads('mergeQueryKey', heads);
  const [width, inputs] = query.shape as [number, number];
  requireShapes(
    query.rank === 2 &&
      key.rank === 2 &&
      key.shape[0] === width &&
      key.shape[1] === inputs &&
      width % heads === 0,
    `mergeQueryKey with ${heads} heads`,
    'query and key [heads d, C]',
    { query, key },
  );
  const inHeads = (x: Tensor): Tensor => reshape(x, [heads, width / heads, inputs]);
  return differentiable([query, key], ([query, key]) => ({
    value: reshape(matMul(inHeads(query!), inHeads(key!), true, false), [heads * inputs, inputs]),
    saved: [query!, key!],
    gradient: (dy, [query, key]) => {
      const perHead = reshape(dy, [heads, inputs, inputs]);
      const gradients = matMulGradients(perHead, inHeads(query!), inHeads(key!), true, false);
      return [reshape(gradients.a(), [width, inputs]), reshape(gradients.b(), [width, inputs])];
    },
  }));
}
