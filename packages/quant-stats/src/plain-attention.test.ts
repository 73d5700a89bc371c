import { type NamedTensors, quantizedAttention } from '@proj/ops';
import { grads, slice, type Tensor } from '@tensorflow/tfjs-core';
import { it } from 'vitest';
import { describeOnBackends } from '../test/backends.ts';
import { casesOf, expectReference, live, parametersOf } from '../test/reference.ts';
import type { Bits } from './bits.ts';
import { lsqSpec } from './layout.ts';
import { parameterOf } from './parameters.ts';
import { type QLinearSpec, qLinear } from './q-linear.ts';
import { quantize } from './quantize.ts';
import { lsqProbabilities, lsqTokens, lsqValues } from './quantizers.ts';

/** Attention without QKR, made of this package's parts: a layer for queries, keys and values, a quantizer for each, a projection. */
function plainAttention(
  x: Tensor,
  parameters: NamedTensors,
  bits: Bits,
  heads: number,
  weights: QLinearSpec['weights'],
): Tensor {
  const [batch, tokens, width] = x.shape as [number, number, number];
  const get = (name: string): Tensor => parameterOf(parameters, `attn.${name}`);
  const layer = { bits: { weight: bits, activation: bits }, signed: true, weights };
  const qkv = qLinear(x, parameters, { ...layer, prefix: 'attn.qkv' });
  const [q, k, v] = ['q', 'k', 'v'].map((name, part) => {
    const own = slice(qkv, [0, 0, part * width], [batch, tokens, width]);
    const offsets = {
      before: slice(get('move_qkv_b4.bias'), [part * width], [width]),
      after: get(`move_${name}_aft.bias`),
    };
    // Heads apart or side by side, queries and keys share a step for each token.
    const quantizer = name === 'v' ? lsqValues(bits) : lsqTokens(bits);
    return quantize(quantizer, own, get(`quan_a_${name}_fn.s`), offsets);
  }) as [Tensor, Tensor, Tensor];
  const levels = lsqSpec(lsqProbabilities(bits), [batch, heads, tokens, tokens]);
  const spec = { heads, scale: 1 / Math.sqrt(width / heads), ...levels };
  const attended = quantizedAttention(q, k, v, get('quan_a_softmax_fn.s'), spec);
  return qLinear(attended, parameters, { ...layer, prefix: 'attn.proj' });
}

describeOnBackends('attention of these parts', () => {
  it.each(['statsq', 'lsq'] as const)('is that of the reference, with weights by %s', (weights) => {
    for (const entry of casesOf(weights === 'lsq' ? /^attn_lsq_/ : /^attn_plain_/)) {
      const { bits, num_heads: heads } = entry.config;
      const run = (x: Tensor, parameters: NamedTensors): Tensor =>
        plainAttention(x, parameters, bits as Bits, heads as number, weights);
      const [x, parameters] = [live(entry, 'x'), parametersOf(entry, 'attn')];
      expectReference(entry, 'y', run(x, parameters));
      const names = [...parameters.keys()];
      const f = (x: Tensor, ...values: Tensor[]) =>
        run(x, new Map(values.map((value, i) => [names[i]!, value])));
      const [dx, ...gradients] = grads(f as (...inputs: Tensor[]) => Tensor)(
        [x, ...parameters.values()],
        live(entry, 'g'),
      );
      expectReference(entry, 'dx', dx!);
      for (const [i, name] of names.entries()) {
        expectReference(entry, `grad.${name.slice('attn.'.length)}`, gradients[i]!);
      }
    }
  });
});
