import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agree, values } from '../test/backends.ts';
import './install.ts';

const shapesAndOrders = fc
  .array(fc.constantFrom<number>(1, 2, 3, 4, 5, 7, 17), { minLength: 0, maxLength: 6 })
  .filter((shape) => shape.reduce((a, b) => a * b, 1) < 20_000)
  .chain((shape) =>
    fc.tuple(
      fc.constant(shape),
      fc.shuffledSubarray([...shape.keys()], { minLength: shape.length, maxLength: shape.length }),
    ),
  );

describe("tf.transpose on wasm, in place of tfjs's kernel", () => {
  it.each(['float32', 'int32', 'bool'] as const)(
    "agrees with tfjs's cpu backend for random ranks, sizes and orders: %s",
    async (dtype) => {
      await fc.assert(
        fc.asyncProperty(shapesAndOrders, async ([shape, perm]) => {
          await agree(() => {
            const x = values(shape, 1);
            return tf.transpose(dtype === 'bool' ? tf.greater(x, 0) : tf.cast(tf.mul(x, 9), dtype), perm);
          });
        }),
        { numRuns: 120, seed: 7 },
      );
    },
  );

  it('agrees where rows and columns are more than a block, and where there are none', async () => {
    for (const [shape, perm] of [
      [
        [37, 50],
        [1, 0],
      ],
      [
        [3, 33, 2, 35],
        [3, 2, 1, 0],
      ],
      [
        [2, 3, 4, 5, 6, 7],
        [5, 3, 1, 4, 2, 0],
      ],
      [
        [3, 0, 5],
        [2, 1, 0],
      ],
    ] as const) {
      await agree(() => tf.transpose(values(shape, 1), [...perm]));
    }
  });

  it('keeps every bit, of NaN and of -0 too', async () => {
    await tf.setBackend('wasm');
    const x = tf.tensor2d([1, -0, Number.NaN, Infinity, 5, 6, -Infinity, 8], [4, 2]);
    const y = [...tf.transpose(x).dataSync()];
    expect(y).toEqual([1, Number.NaN, 5, -Infinity, -0, Infinity, 6, 8]);
  });

  it('copies nothing where the order in memory stays', async () => {
    await tf.setBackend('wasm');
    const x = tf.ones([1, 3, 1, 4]);
    const { numDataBuffers } = tf.memory();
    const y = tf.transpose(x, [1, 0, 3, 2]);
    expect(y.shape).toEqual([3, 1, 4, 1]);
    expect(tf.memory()).toMatchObject({ numDataBuffers });
    x.dispose();
    expect([...y.dataSync()]).toEqual(Array(12).fill(1));
  });
});
