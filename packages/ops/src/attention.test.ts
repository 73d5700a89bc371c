import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { BACKENDS, checkOperation } from '../test/check.ts';
import { attention as definition } from '../test/definitions.ts';
import { attention, attentionPacked } from './attention.ts';

/** Column block `part` of [B, N, 3 C], split into heads: [B, N, 3 C] -> [B, H, N, d]. */
function heads(qkv: Float64Array, part: number, b: number, n: number, h: number, d: number): Float64Array {
  const x = new Float64Array(b * h * n * d);
  let at = 0;
  for (let i = 0; i < b; i++)
    for (let head = 0; head < h; head++)
      for (let token = 0; token < n; token++)
        for (let c = 0; c < d; c++) x[at++] = qkv[((i * n + token) * 3 + part) * h * d + head * d + c]!;
  return x;
}

/** Attention on [B, N, 3 C] -> [B, N, C]. */
function packed(
  qkv: Float64Array,
  b: number,
  n: number,
  h: number,
  d: number,
  mask?: (i: number) => number,
): Float64Array {
  const [q, k, v] = [0, 1, 2].map((part) => heads(qkv, part, b, n, h, d));
  const y = definition(q!, k!, v!, { batch: b * h, n, m: n, d, e: d, scale: 0.5 }, mask);
  const joined = new Float64Array(y.length);
  let at = 0;
  for (let i = 0; i < b; i++)
    for (let head = 0; head < h; head++)
      for (let token = 0; token < n; token++)
        for (let c = 0; c < d; c++) joined[(i * n + token) * h * d + head * d + c] = y[at++]!;
  return joined;
}

describe.each(BACKENDS)('attention on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it('is softmax(scale q kᵀ) v with its gradients, also for other numbers of keys and value channels', () => {
    for (const [b, h, n, m, d, e] of [
      [2, 2, 5, 5, 3, 3],
      [1, 3, 4, 6, 2, 5],
    ] as [number, number, number, number, number, number][]) {
      checkOperation({
        shapes: [
          [b, h, n, d],
          [b, h, m, d],
          [b, h, m, e],
        ],
        expected: [b, h, n, e],
        run: (q, k, v) => attention(q!, k!, v!, 0.6),
        definition: (q, k, v) => definition(q!, k!, v!, { batch: b * h, n, m, d, e, scale: 0.6 }),
      });
    }
  });

  it('adds a mask that broadcasts, with its gradient, on any axes before the last two', () => {
    const [h, n, m, d, e] = [2, 3, 4, 2, 3];
    for (const [leading, maskShape, at] of [
      [[], [n, m], (i: number) => i],
      [[h], [h, n, m], (i: number) => i],
      [[2, h], [h, 1, m], (i: number) => (Math.floor(i / (n * m)) % h) * m + (i % m)],
      [[2, 3, h], [3, 1, n, m], (i: number) => (Math.floor(i / (h * n * m)) % 3) * n * m + (i % (n * m))],
    ] as [number[], number[], (i: number) => number][]) {
      const batch = leading.reduce((a, b) => a * b, 1);
      checkOperation({
        shapes: [[...leading, n, d], [...leading, m, d], [...leading, m, e], maskShape],
        expected: [...leading, n, e],
        run: (q, k, v, mask) => attention(q!, k!, v!, 0.6, mask),
        definition: (q, k, v, mask) =>
          definition(q!, k!, v!, { batch, n, m, d, e, scale: 0.6 }, (i) => mask![at(i)]!),
      });
    }
  });

  it('reads queries, keys and values packed as a qkv layer makes them', () => {
    const [b, n, h, d] = [2, 5, 3, 4];
    checkOperation({
      shapes: [[b, n, 3 * h * d]],
      expected: [b, n, h * d],
      run: (qkv) => attentionPacked(qkv!, h, 0.5),
      definition: (qkv) => packed(qkv!, b, n, h, d),
    });
  });

  it('repeats the masks of packed windows along the batch, with their gradient', () => {
    const [b, n, h, d] = [4, 3, 2, 2];
    checkOperation({
      shapes: [
        [b, n, 3 * h * d],
        [2, h, n, n],
      ],
      expected: [b, n, h * d],
      run: (qkv, mask) => attentionPacked(qkv!, h, 0.5, mask),
      definition: (qkv, mask) => packed(qkv!, b, n, h, d, (i) => mask![i % mask!.length]!),
    });
  });

  it('refuses shapes that do not belong together', () => {
    const q = tf.zeros([1, 2, 3, 4]);
    expect(() => attention(q, tf.zeros([1, 2, 3, 5]), q, 1)).toThrow('q [..., N, d], k [..., M, d]');
    expect(() => attention(q, q, tf.zeros([1, 2, 2, 4]), 1)).toThrow(
      expect.objectContaining({ code: 'OPS_SHAPE_MISMATCH' }),
    );
    expect(() => attention(q, tf.zeros([1, 2, 0, 4]), tf.zeros([1, 2, 0, 4]), 1)).toThrow('with M > 0');
    expect(() => attention(q, q, q, 1, tf.zeros([3, 1]))).toThrow(
      'attention: expected a mask whose last axis is 3 and that broadcasts to [1, 2, 3, 3], got mask [3, 1].',
    );
    expect(() => attentionPacked(tf.zeros([1, 2, 12]), 3, 1)).toThrow('attentionPacked with 3 heads');
    expect(() => attentionPacked(tf.zeros([1, 0, 12]), 2, 1)).toThrow('with N > 0');
    expect(() => attentionPacked(tf.zeros([3, 2, 12]), 2, 1, tf.zeros([2, 2, 2, 2]))).toThrow(
      'broadcasts to [1, 2, 2, 2], got mask [2, 2, 2, 2].',
    );
    for (const heads of [0, -2, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => attentionPacked(tf.zeros([1, 2, 12]), heads, 1)).toThrow(
        expect.objectContaining({
          code: 'OPS_BAD_ARGUMENT',
          message: expect.stringContaining(`positive integer, got ${heads}`),
        }),
      );
    }
    expect(() => attentionPacked(tf.zeros([1, 2, 12]), 2, Number.NaN)).toThrow(
      expect.objectContaining({ code: 'OPS_BAD_ARGUMENT' }),
    );
  });
});
