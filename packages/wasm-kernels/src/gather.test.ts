import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@proj/ops/gradients';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agree, values } from '../test/backends.ts';
import './install.ts';

const axes = (most: number) => fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: most });

/** x, the axis of it, its length, and how many of the axes before are of batches, as the indices have them. */
const problems = fc
  .record({ batch: axes(1), outer: axes(2), size: fc.integer({ min: 1, max: 9 }), inner: axes(2) })
  .chain((shape) =>
    fc.record({
      shape: fc.constant(shape),
      indices: fc.array(fc.integer({ min: 0, max: shape.size - 1 }), { minLength: 0, maxLength: 12 }),
    }),
  );

describe("tf.gather on wasm, in place of tfjs's kernel", () => {
  it.each(['float32', 'int32', 'bool'] as const)(
    "agrees with tfjs's cpu backend for random shapes, axes, batches and indices: %s",
    async (dtype) => {
      await fc.assert(
        fc.asyncProperty(problems, async ({ shape: { batch, outer, size, inner }, indices }) => {
          await agree(() => {
            const x = values([...batch, ...outer, size, ...inner], 1);
            const given = dtype === 'bool' ? tf.greater(x, 0) : tf.cast(tf.mul(x, 9), dtype);
            const copies = batch[0] ?? 1;
            const each = Array.from({ length: copies }, (_, b) => indices.map((i) => (i + b) % size));
            const chosen = tf.tensor(each.flat(), [...batch, indices.length], 'int32');
            return tf.gather(given, chosen, batch.length + outer.length, batch.length);
          });
        }),
        { numRuns: 100, seed: 12 },
      );
    },
  );

  it('takes indices of several axes, and an axis counted from the end', async () => {
    const indices = () => tf.tensor2d([3, 0, 1, 1, 2, 3], [2, 3], 'int32');
    for (const axis of [1, -2]) await agree(() => tf.gather(values([2, 4, 3], 1), indices(), axis));
  });

  it('has the sum of the rows that were taken as its gradient', async () => {
    await agree(() => {
      const index = tf.tensor1d([1, 0, 1, 2, 3, 3], 'int32');
      return tf.grad((x) => tf.sum(tf.square(tf.gather(x, index, 1))))(values([2, 4, 5], 1));
    });
  });

  it('refuses an index beyond the axis, and leaves nothing behind', async () => {
    await tf.setBackend('wasm');
    const x = tf.ones([3, 2]);
    const before = tf.memory().numDataBuffers;
    for (const wrong of [3, -1]) {
      const index = tf.tensor1d([0, wrong], 'int32');
      expect(() => tf.gather(x, index)).toThrow(
        expect.objectContaining({
          code: 'WASM_KERNELS_BAD_INDEX',
          message: `gather: index ${wrong} is not one of the 3 along axis 0 of x [3,2].`,
        }),
      );
      index.dispose();
    }
    expect(tf.memory().numDataBuffers).toBe(before);
    x.dispose();
  });
});
