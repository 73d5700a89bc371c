import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@proj/ops/gradients';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agree, values } from '../test/backends.ts';
import './install.ts';

const ids = (list: readonly number[]): tf.Tensor1D => tf.tensor1d([...list], 'int32');

describe('tf.unsortedSegmentSum on wasm, where tfjs has none', () => {
  it("agrees with tfjs's cpu backend, ids that are no segment's included", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: -2, max: 6 }), { minLength: 1, maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 2 }),
        async (list, rest) =>
          agree(() => tf.unsortedSegmentSum(values([list.length, ...rest], 1), ids(list), 5)),
      ),
      { numRuns: 80, seed: 9 },
    );
  });

  it('makes tf.gather differentiable', async () => {
    for (const axis of [0, 1]) {
      await agree(() =>
        tf.grad((x) => tf.sum(tf.square(tf.gather(x, ids([1, 0, 1, 2]), axis))))(values([3, 4], 1)),
      );
    }
  });

  it('passes NaN on to its own segment only', async () => {
    await tf.setBackend('wasm');
    const y = tf.unsortedSegmentSum(tf.tensor1d([1, Number.NaN, 3]), ids([0, 1, 0]), 3);
    expect([...y.dataSync()]).toEqual([4, Number.NaN, 0]);
  });

  it('refuses what is not one id for each row', async () => {
    await tf.setBackend('wasm');
    const x = tf.ones([3, 2]);
    expect(() => tf.unsortedSegmentSum(x, ids([0, 1]), 2)).toThrow(
      'the ids must be int32 [3], one for each row of x [3,2], got int32 [2]',
    );
    expect(() => tf.unsortedSegmentSum(x, tf.tensor1d([0, 1, 1], 'bool'), 2)).toThrow();
    expect(() => tf.unsortedSegmentSum(tf.cast(x, 'int32'), ids([0, 1, 1]), 2)).toThrow(
      expect.objectContaining({ code: 'WASM_KERNELS_BAD_DTYPE' }),
    );
  });
});
