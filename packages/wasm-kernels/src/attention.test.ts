import { attention, attentionPacked } from '@proj/ops';
import '@proj/ops/gradients';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { compare, finite, maskOf, runs, size, small } from '../test/twin.ts';

describe('the attention kernels', () => {
  beforeEach(async () => {
    await tf.setBackend('wasm');
  });

  it('agree with the composed operation, value and gradients, for any numbers of queries, keys and channels and any mask', async () => {
    const cases = fc
      .record({
        leading: fc.array(small, { maxLength: 3 }),
        n: size,
        m: size,
        d: size,
        e: size,
        masked: fc.boolean(),
      })
      .chain((sizes) =>
        fc.record({
          sizes: fc.constant(sizes),
          mask: maskOf([...sizes.leading, sizes.n, sizes.m]),
        }),
      );
    await fc.assert(
      fc.asyncProperty(cases, ({ sizes: { leading, n, m, d, e, masked }, mask }) => {
        const inputs = [
          [n, d],
          [m, d],
          [m, e],
        ].map((shape) => ({ shape: [...leading, ...shape] }));
        const scale = 1 / Math.sqrt(d);
        return compare(
          (q, k, v, mask) => attention(q!, k!, v!, scale, mask),
          masked ? [...inputs, { shape: mask }] : inputs,
        );
      }),
      { ...runs, numRuns: 60 },
    );
  });

  it('agree on packed queries, keys and values, whose masks repeat along the batch', async () => {
    const cases = fc
      .record({ repeats: small, period: small, heads: small, tokens: size, width: size })
      .chain((sizes) =>
        fc.record({
          sizes: fc.constant(sizes),
          mask: maskOf([sizes.period, sizes.heads, sizes.tokens, sizes.tokens]),
          masked: fc.boolean(),
        }),
      );
    await fc.assert(
      fc.asyncProperty(cases, ({ sizes: { repeats, period, heads, tokens, width }, mask, masked }) => {
        const qkv = { shape: [repeats * period, tokens, 3 * heads * width] };
        return compare(
          (qkv, mask) => attentionPacked(qkv!, heads, 1 / Math.sqrt(width), mask),
          masked ? [qkv, { shape: mask }] : [qkv],
        );
      }),
      runs,
    );
    await compare((qkv) => attentionPacked(qkv!, 2, -0.5), [{ shape: [1, 6, 18] }]);
  });

  it('work on the sizes of a vision transformer', async () => {
    const [q, k] = [{ shape: [1, 2, 197, 64] }, { shape: [1, 2, 197, 64] }];
    await compare((q, k, v) => attention(q!, k!, v!, 0.125), [q, k, q], 3e-5);
  });

  it('have the same bits packed and apart', () => {
    const [b, n, h, d] = [2, 7, 3, 5];
    const qkv = tf.tensor(
      Float32Array.from({ length: b * n * 3 * h * d }, (_, i) => Math.sin(i)),
      [b, n, 3, h, d],
    );
    const part = (i: number) =>
      tf.transpose(tf.reshape(tf.slice(qkv, [0, 0, i, 0, 0], [b, n, 1, h, d]), [b, n, h, d]), [0, 2, 1, 3]);
    const apart = tf.transpose(attention(part(0), part(1), part(2), 0.4), [0, 2, 1, 3]);
    const packed = attentionPacked(tf.reshape(qkv, [b, n, 3 * h * d]), h, 0.4);
    expect(packed.dataSync()).toEqual(apart.dataSync());
  });

  it('pass NaN on to the query or the head that has it and to no other', () => {
    const inputs = () => [0, 1, 2].map(() => new Float32Array(2 * 3 * 4).fill(0.5));
    const run = ([q, k, v]: Float32Array[]) => {
      const y = attention(tf.tensor(q!, [2, 3, 4]), tf.tensor(k!, [2, 3, 4]), tf.tensor(v!, [2, 3, 4]), 1);
      return finite(y);
    };
    const query = inputs();
    query[0]![4] = Number.NaN; // of head 0, query 1
    expect(run(query)).toEqual(Array.from({ length: 24 }, (_, i) => i < 4 || i >= 8));
    const key = inputs();
    key[1]![12] = Number.NaN; // of head 1
    expect(run(key)).toEqual(Array.from({ length: 24 }, (_, i) => i < 12));
    const value = inputs();
    value[2]![3] = Number.POSITIVE_INFINITY; // of head 0, channel 3
    expect(run(value)).toEqual(Array.from({ length: 24 }, (_, i) => i >= 12 || i % 4 !== 3));
  });

  it('keep keys hidden by a causal mask out of the value and without gradient', () => {
    const n = 6;
    const causal = tf.tensor2d(
      Float32Array.from({ length: n * n }, (_, i) =>
        i % n > Math.floor(i / n) ? Number.NEGATIVE_INFINITY : 0,
      ),
      [n, n],
    );
    const x = tf.tensor(
      Float32Array.from({ length: 2 * n * 3 }, (_, i) => Math.sin(i)),
      [2, n, 3],
    );
    const first = (v: tf.Tensor) => tf.slice(attention(x, x, v, 1, causal), [0, 0, 0], [2, 3, 3]);
    const { value, grad } = tf.valueAndGrad((v: tf.Tensor) => tf.sum(first(v)))(x);
    expect(Number.isFinite(value.dataSync()[0])).toBe(true);
    const dv = grad.dataSync();
    expect([...dv].every((slope, i) => (slope === 0) === Math.floor(i / 3) % n >= 3)).toBe(true);
    expect([...first(x).dataSync().slice(0, 3)]).toEqual([...x.dataSync().slice(0, 3)]);
  });

  it('have nothing to do for no queries or no batch, and average the values where there is no channel', () => {
    expect(attention(tf.zeros([2, 0, 4]), tf.ones([2, 3, 4]), tf.ones([2, 3, 5]), 1).shape).toEqual([
      2, 0, 5,
    ]);
    expect(attentionPacked(tf.zeros([0, 3, 12]), 2, 1).shape).toEqual([0, 3, 4]);
    const v = tf.tensor2d([[1], [2], [6]]);
    expect(attention(tf.zeros([1, 0]), tf.zeros([3, 0]), v, 1).dataSync()[0]).toBeCloseTo(3, 6);
  });
});
