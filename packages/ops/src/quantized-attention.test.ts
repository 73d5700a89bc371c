import { random } from '@proj/random';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { BACKENDS, checkOperation } from '../test/check.ts';
import { softmaxRow } from '../test/definitions.ts';
import { mergeQueryKey } from './merge-query-key.ts';
import { quantizedAttention } from './quantized-attention.ts';

interface Sizes {
  readonly b: number;
  readonly n: number;
  readonly h: number;
  readonly d: number;
  readonly e: number;
  readonly shared: boolean;
  readonly masks: number;
}

/** The definition without rounding, which a quantizer of very many levels approaches: smooth, so that differences can be taken. */
function smooth(
  { b, n, h, d, e, shared, masks }: Sizes,
  scale: number,
  inputs: Float64Array[],
): Float64Array {
  const [q, k, v, mask] = inputs as [Float64Array, Float64Array, Float64Array, Float64Array?];
  const y = new Float64Array(b * n * h * e);
  for (let i = 0; i < b; i++)
    for (let head = 0; head < h; head++)
      for (let query = 0; query < n; query++) {
        const scores = new Float64Array(n);
        for (let key = 0; key < n; key++) {
          for (let c = 0; c < d; c++) {
            const qAt = shared ? (i * n + query) * d + c : ((i * n + query) * h + head) * d + c;
            scores[key]! += scale * q[qAt]! * k[((i * n + key) * h + head) * d + c]!;
          }
          if (mask) scores[key]! += mask[(((i % masks) * h + head) * n + query) * n + key]!;
        }
        softmaxRow(scores).forEach((p, key) => {
          for (let c = 0; c < e; c++)
            y[((i * n + query) * h + head) * e + c]! += p * v[((i * n + key) * h + head) * e + c]!;
        });
      }
  return y;
}

const normal = (name: string, shape: number[]): tf.Tensor => {
  const stream = random(2, name);
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => stream.normal()),
    shape,
  );
};

describe.each(BACKENDS)('quantizedAttention on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it.each<[string, Sizes]>([
    ['queries of their own', { b: 2, n: 5, h: 2, d: 3, e: 4, shared: false, masks: 0 }],
    ['one query for all heads', { b: 2, n: 4, h: 3, d: 5, e: 2, shared: true, masks: 0 }],
    [
      'a mask for each head, which the batch takes in turn',
      { b: 4, n: 3, h: 2, d: 2, e: 2, shared: true, masks: 2 },
    ],
  ])('is attention where quantization is fine enough, with its gradients: %s', (_, sizes) => {
    const { b, n, h, d, e, shared, masks } = sizes;
    const step = tf.fill([n], 2e-5);
    const spec = { heads: h, scale: 0.6, high: 65535, gradientScale: 1 };
    const shapes = [
      [b, n, shared ? d : h * d],
      [b, n, h * d],
      [b, n, h * e],
      ...(masks > 0 ? [[masks, h, n, n]] : []),
    ];
    const before = tf.memory().numTensors;
    checkOperation({
      shapes,
      expected: [b, n, h * e],
      run: (q, k, v, mask) => quantizedAttention(q!, k!, v!, step, spec, mask),
      definition: (q, k, v, mask) => smooth(sizes, 0.6, [q!, k!, v!, ...(mask ? [mask] : [])]),
      tolerance: 1e-4,
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('quantizes the probabilities of each query by its step, and knows their gradient', () => {
    // Equal scores: every probability is 1/4. Steps 0.1 and 0.2 make codes 2 (of 2.5, a tie) and 1, step 0.05 is beyond the last, 3.
    const q = tf.zeros([1, 4, 2]);
    const v = tf.tensor3d([1, 2, 3, 4], [1, 4, 1]);
    const step = tf.tensor1d([0.1, 0.2, 0.05, 0.25]);
    const spec = { heads: 1, scale: 1, high: 3, gradientScale: 0.5 };
    const y = quantizedAttention(q, q, v, step, spec);
    const quantized = [0.2, 0.2, 0.15, 0.25];
    for (const [i, p] of quantized.entries()) expect(y.dataSync()[i]).toBeCloseTo(10 * p, 5);
    const [dv, dStep] = tf.grads((v, step) => quantizedAttention(q, q, v!, step!, spec))(
      [v, step],
      tf.ones([1, 4, 1]),
    );
    for (const value of dv!.dataSync()) expect(value).toBeCloseTo(0.8, 5);
    // dstep = gradientScale * sum of v (r - p / s), without p / s where the code is the last.
    for (const [i, slope] of [2 - 2.5, 1 - 1.25, 3, 0].entries()) {
      expect(dStep!.dataSync()[i]).toBeCloseTo(5 * slope, 4);
    }
  });

  it('sees merged query and key weights as it sees both', () => {
    const [heads, width, tokens] = [2, 6, 4];
    const [x, v] = [normal('x', [2, tokens, width]), normal('v', [2, tokens, width])];
    const [wq, wk] = [normal('wq', [width, width]), normal('wk', [width, width])];
    const step = tf.fill([tokens], 0.05);
    const spec = { heads, scale: 0.3, high: 15, gradientScale: 1 };
    const times = (w: tf.Tensor, outputs: number): tf.Tensor =>
      tf.reshape(tf.matMul(tf.reshape(x, [-1, width]), w as tf.Tensor2D, false, true), [2, tokens, outputs]);
    const apart = quantizedAttention(times(wq, width), times(wk, width), v, step, spec);
    const merged = mergeQueryKey(wq, wk, heads);
    expect(merged.shape).toEqual([heads * width, width]);
    // Queries are features i of W_qᵀ W_k's rows, so that the merged matrix stands on the keys' side.
    const together = quantizedAttention(x, times(merged, heads * width), v, step, spec);
    for (const [i, y] of together.dataSync().entries()) expect(y).toBeCloseTo(apart.dataSync()[i]!, 4);
  });

  it('refuses shapes and numbers that do not belong together', () => {
    const [q, step] = [tf.zeros([2, 3, 4]), tf.ones([3])];
    const spec = { heads: 2, scale: 1, high: 3, gradientScale: 1 };
    expect(() => quantizedAttention(tf.zeros([2, 3, 3]), q, q, step, spec)).toThrow(
      'q [B, N, heads d] or [B, N, d], k [B, N, heads d]',
    );
    expect(() => quantizedAttention(q, q, q, tf.ones([4]), spec)).toThrow('step [4]');
    expect(() => quantizedAttention(q, q, q, step, spec, tf.zeros([4, 2, 3, 3]))).toThrow(
      'mask [4, 2, 3, 3]',
    );
    for (const wrong of [{ heads: 0 }, { high: 0.5 }, { scale: Number.NaN }, { gradientScale: Number.NaN }]) {
      expect(() => quantizedAttention(q, q, q, step, { ...spec, ...wrong })).toThrow(
        expect.objectContaining({ code: 'OPS_BAD_ARGUMENT' }),
      );
    }
    expect(() => mergeQueryKey(tf.zeros([4, 4]), tf.zeros([4, 3]), 2)).toThrow('query and key [heads d, C]');
    expect(() => mergeQueryKey(tf.zeros([4, 4]), tf.zeros([4, 4]), 1.5)).toThrow('positive integer, got 1.5');
  });
});
