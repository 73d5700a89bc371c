import { matMul, type NamedTensors, softmax } from '@proj/ops';
import { initialStep, type LsqQuantizer } from '@proj/quant-stats';
import { add, mul, reshape, type Tensor, tidy, tile, transpose } from '@tensorflow/tfjs-core';
import type { QAttentionOptions, QAttentionSpec } from './attention.ts';

/** Called before a quantizer's steps are read, with what finds those that it starts with. */
export type Prepare = (initial: () => ReadonlyMap<string, Tensor>) => void;

/** An attention whose quantizers are met one after the other, so that one pass of it can start them all. */
export type Walk = (
  x: Tensor,
  parameters: NamedTensors,
  spec: QAttentionSpec,
  options: QAttentionOptions,
  prepare: Prepare,
) => Tensor;

/** The steps that a pass over `x` starts with; those that `parameters` may have are not read. */
export function initialSteps(
  walk: Walk,
  x: Tensor,
  parameters: NamedTensors,
  spec: QAttentionSpec,
  options: QAttentionOptions,
): Map<string, Tensor> {
  const growing = new Map(parameters);
  const steps = new Map<string, Tensor>();
  tidy(() => {
    walk(x, growing, spec, options, (initial) => {
      for (const [name, tensor] of initial()) {
        // The offsets stay those of `parameters`.
        if (!name.endsWith('.s')) continue;
        growing.set(name, tensor);
        steps.set(name, tensor);
      }
    });
    return [...steps.values()];
  });
  return steps;
}

/** One quantizer's start, as `Prepare` takes it. */
export const startOf =
  (name: string, quantizer: LsqQuantizer, x: () => Tensor) => (): ReadonlyMap<string, Tensor> =>
    new Map([[name, initialStep(quantizer, x())]]);

/** softmax(scale q_h k_hᵀ + mask) [B, heads, N, N], as `quantizedAttention` has it before its quantizer. */
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
