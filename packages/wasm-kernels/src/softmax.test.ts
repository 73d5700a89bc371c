import { softmax } from '@proj/ops';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { compare, finite, maskOf, runs, size, small } from '../test/twin.ts';

describe('the softmax kernel', () => {
  beforeEach(async () => {
    await tf.setBackend('wasm');
  });

  it('agrees with the composed operation, value and gradients, with any mask that broadcasts', async () => {
    const scores = fc
      .array(small, { minLength: 0, maxLength: 3 })
      .chain((leading) => size.map((width) => [...leading, width]))
      .chain((shape) => fc.tuple(fc.constant(shape), maskOf(shape)));
    await fc.assert(
      fc.asyncProperty(
        scores,
        fc.constantFrom(1, 0.125, -1.5, 0),
        fc.boolean(),
        ([shape, mask], scale, masked) =>
          masked
            ? compare((x, mask) => softmax(x!, { scale, mask: mask! }), [{ shape }, { shape: mask }])
            : compare((x) => softmax(x!, { scale }), [{ shape }]),
      ),
      { ...runs, numRuns: 120 },
    );
  });

  it('leaves out what a mask of -Infinity hides; a row with nothing left is NaN, and only that', () => {
    const mask = tf.tensor2d([
      [0, 0, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, 0],
      new Array(5).fill(Number.NEGATIVE_INFINITY),
    ]);
    const { value, grad } = tf.valueAndGrad((x) => softmax(x, { mask }))(
      tf.tensor2d([
        [1, 1, 100, Number.NaN, 1],
        [1, 2, 3, 4, 5],
      ]),
    );
    expect(finite(value)).toEqual(new Array(10).fill(false));
    expect([...grad.dataSync()].every(Number.isNaN)).toBe(true);
    const y = softmax(tf.ones([2, 5]), { mask }).dataSync();
    for (const [i, expected] of [1 / 3, 1 / 3, 0, 0, 1 / 3].entries()) expect(y[i]).toBeCloseTo(expected, 6);
    expect([...y.slice(5)]).toEqual(new Array(5).fill(Number.NaN));
  });

  it('passes NaN and infinity on to their row and to no other, wherever in the row they stand', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      for (let at = 0; at < 7; at++) {
        const x = new Float32Array(21).fill(1);
        x[7 + at] = value;
        const y = finite(softmax(tf.tensor2d(x, [3, 7])));
        expect(y).toEqual(Array.from({ length: 21 }, (_, i) => i < 7 || i >= 14));
      }
    }
  });

  it('does not overflow, and gives 0 where float32 ends', () => {
    const y = softmax(tf.tensor1d([3e38, 3e38, -3e38, -3e38, 0])).dataSync();
    expect([...y]).toEqual([0.5, 0.5, 0, 0, 0]);
  });

  it('has nothing to do for no rows', () => {
    const y = softmax(tf.zeros([0, 3, 5]), { mask: tf.zeros([3, 5]) });
    expect(y.shape).toEqual([0, 3, 5]);
  });
});
