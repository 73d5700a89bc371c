import { random } from '@proj/random';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { BACKENDS } from '../test/check.ts';
import { linear } from './linear.ts';
import { lsq } from './lsq.ts';
import { quantizedAttention } from './quantized-attention.ts';
import { type QuantizedAttentionLayers, quantizedAttentionBlock } from './quantized-attention-block.ts';
import { quantizedLinear } from './quantized-linear.ts';
import { statsq } from './statsq.ts';

const [batch, count, width, heads] = [2, 3, 4, 2];

const normal = (name: string, ...shape: number[]): tf.Tensor => {
  const stream = random(4, name, ...shape);
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => stream.normal()),
    shape,
  );
};

function layers(): QuantizedAttentionLayers {
  const quantizer = (name: string, steps: number, inner: number, channels = width) => ({
    step: tf.fill([steps], 0.7),
    offsets: { before: normal(`${name} before`, channels), after: normal(`${name} after`, channels) },
    input: { inner, low: -2, high: 1, gradientScale: 0.1 },
  });
  const affine = (name: string) => ({
    weight: normal(name, width, width),
    bias: normal(`${name} bias`, width),
    bits: 2,
  });
  return {
    tokens: quantizer('x', count, width),
    keys: {
      ...quantizer('k', count * heads, width, heads * width),
      weight: normal('k', heads * width, width),
      bits: 2,
    },
    values: { ...affine('v'), ...quantizer('v', width, 1) },
    probabilities: { step: tf.fill([count], 0.2), heads, scale: 0.5, high: 3, gradientScale: 0.1 },
    proj: { ...affine('p'), ...quantizer('p', count, width) },
  };
}

describe.each(BACKENDS)('quantizedAttentionBlock on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it('is its parts, with a residual and a mask or without', () => {
    const x = normal('tokens', batch, count, width);
    const mask = normal('mask', 1, heads, count, count);
    const { tokens, keys, values, probabilities, proj } = layers();
    const weight = (w: tf.Tensor) => statsq(w, { bits: 2, groups: w.shape[0]!, inner: width });
    const q = lsq(x, tokens.step, tokens.input, tokens.offsets);
    const k = lsq(linear(q, weight(keys.weight)), keys.step, keys.input, keys.offsets);
    const v = lsq(linear(q, weight(values.weight), values.bias), values.step, values.input, values.offsets);
    const parts = (residual?: tf.Tensor, mask?: tf.Tensor) =>
      quantizedLinear(quantizedAttention(q, k, v, probabilities.step, probabilities, mask), proj, residual);
    expect(quantizedAttentionBlock(x, layers()).dataSync()).toEqual(parts().dataSync());
    expect(quantizedAttentionBlock(x, { ...layers(), mask }, x).dataSync()).toEqual(
      parts(x, mask).dataSync(),
    );
  });

  it('refuses layers that do not fit', () => {
    const x = normal('tokens', batch, count, width);
    const all = layers();
    expect(() => quantizedAttentionBlock(x, all, tf.zeros([batch, count]))).toThrow('residual [2, 3]');
    expect(() =>
      quantizedAttentionBlock(x, { ...all, keys: { ...all.keys, weight: all.proj.weight } }),
    ).toThrow('quantizedAttentionBlock with 2 heads: expected x [B, N, C], keys [heads C, C]');
    expect(() => quantizedAttentionBlock(x, { ...all, mask: tf.zeros([4, heads, count, count]) })).toThrow(
      'mask [4, 2, 3, 3]',
    );
    expect(() => quantizedAttentionBlock(x, { ...all, keys: { ...all.keys, step: tf.ones([5]) } })).toThrow(
      'step [5]',
    );
    expect(() => quantizedAttentionBlock(x, { ...all, values: { ...all.values, bits: 1 } })).toThrow(
      'bits must be an integer from 2 to 16, got 1',
    );
    expect(() =>
      quantizedAttentionBlock(x, { ...all, probabilities: { ...all.probabilities, high: 0 } }),
    ).toThrow('high must be a positive integer');
  });
});
