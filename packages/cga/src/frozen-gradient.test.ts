import '@proj/ops/gradients';
import '@proj/wasm-kernels/install';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { ofqCase } from '@proj/fixtures';
import { mergeQueryKey, statsq } from '@proj/ops';
import { qkrAttention } from '@proj/qkr';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { live } from '../test/reference.ts';
import { frozenWeights } from './confidence.ts';
import { frozenGradient } from './frozen-gradient.ts';

describe.each(['wasm', 'cpu'])('frozenGradient on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it('has the value of the weight, and no gradient where the reference’s mask is set', () => {
    const entry = ofqCase('statsq_qkcga_train_w2');
    const spec = { bits: 2, boundaryRange: 0.05 };
    const [w, g] = [live(entry, 'w'), live(entry, 'g')];
    const before = tf.memory().numTensors;
    const run = (w: tf.Tensor): tf.Tensor =>
      statsq(frozenGradient(w, spec), { bits: 2, groups: 8, inner: 12 });
    const q = tf.tidy(() => run(w));
    const reference = entry.tensors.get('q')!.data;
    for (const [i, value] of q.dataSync().entries()) expect(value).toBeCloseTo(reference[i]!, 6);
    const dw = tf.grad(run)(w, g);
    const frozen = entry.tensors.get('freeze')!.data;
    // The reference computes this mask and then does nothing with it: its dw is g everywhere.
    expect(entry.tensors.get('dw')!.data).toEqual(entry.tensors.get('g')!.data);
    expect([...dw.dataSync()]).toEqual(Array.from(g.dataSync(), (value, i) => (frozen[i] === 1 ? 0 : value)));
    tf.dispose([q, dw]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('keeps the confident entries of a merged weight from driving W_q and W_k', () => {
    const entry = ofqCase('attn_qkr_w2a2');
    const names = [...entry.tensors.keys()].filter((name) => name.startsWith('param.'));
    const parameters = new Map(names.map((name) => [name.slice('param.'.length), live(entry, name)]));
    const spec = { bits: 2, boundaryRange: 0.05 };
    const gradient = (merged: (product: tf.Tensor) => tf.Tensor): tf.Tensor =>
      tf.grad((q) =>
        qkrAttention(
          live(entry, 'x'),
          new Map([...parameters, ['q.weight', q]]),
          '',
          { heads: 3, weightBits: 2, activationBits: 2 },
          { merged },
        ),
      )(parameters.get('q.weight')!, live(entry, 'g'));
    const k = parameters.get('k.weight')!;
    // dW_q^h = W_k^h dAᵀ with dA masked, dA being found from the gradient of the identity alone.
    let dA: tf.Tensor | undefined;
    gradient((product) =>
      tf.customGrad((product) => ({
        value: tf.clone(product as tf.Tensor),
        gradFunc: (dy: tf.Tensor) => {
          dA = tf.keep(tf.clone(dy));
          return dy;
        },
      }))(product),
    );
    const merged = mergeQueryKey(parameters.get('q.weight')!, k, 3);
    const masked = tf.where(frozenWeights(merged, spec), tf.zerosLike(dA!), dA!);
    const expected = tf.matMul(tf.reshape(k, [3, 8, 24]), tf.reshape(masked, [3, 24, 24]), false, true);
    const received = gradient((product) => frozenGradient(product, spec)).dataSync();
    for (const [i, value] of expected.dataSync().entries()) expect(received[i]).toBeCloseTo(value, 4);
    expect(Math.max(...received)).toBeGreaterThan(0);
  });

  it('refuses what frozenWeights refuses', () => {
    expect(() => frozenGradient(tf.ones([3]), { bits: 2, boundaryRange: 0.005 })).toThrow(
      'float32 [out, in]',
    );
    expect(() => frozenGradient(tf.ones([3, 3]), { bits: 2, boundaryRange: 2 })).toThrow('boundaryRange');
  });
});
