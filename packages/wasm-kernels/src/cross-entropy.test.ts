import { crossEntropy } from '@proj/ops';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { compare, runs, size } from '../test/twin.ts';

describe('the cross-entropy kernel', () => {
  beforeEach(async () => {
    await tf.setBackend('wasm');
  });

  it('agrees with the composed operation, value and gradient, on classes and on probabilities', async () => {
    await fc.assert(
      fc.asyncProperty(size, size, fc.boolean(), fc.nat(1000), (batch, classes, byClass, seed) =>
        compare(
          (logits) =>
            crossEntropy(
              logits!,
              byClass
                ? tf.tensor1d(
                    Int32Array.from({ length: batch }, (_, i) => (i * seed + seed) % classes),
                    'int32',
                  )
                : tf.tensor2d(
                    Float32Array.from({ length: batch * classes }, (_, i) => Math.max(0, Math.sin(i + seed))),
                    [batch, classes],
                  ),
            ),
          [{ shape: [batch, classes], amplitude: 6 }],
        ),
      ),
      { ...runs, numRuns: 80 },
    );
  });

  it('takes the logarithm of sums up to a million', () => {
    for (const classes of [1, 2, 3, 1000, 1_000_000]) {
      const loss = crossEntropy(tf.zeros([1, classes]), tf.tensor1d([0], 'int32')).dataSync()[0]!;
      expect(Math.abs(loss - Math.log(classes))).toBeLessThan(2e-6);
    }
  });

  it('passes NaN on to the loss and to the slope of its row and of no other', () => {
    const logits = tf.tensor2d([
      [1, 2, 3, 4, Number.NaN],
      [1, 2, 3, 4, 5],
    ]);
    for (const targets of [tf.tensor1d([1, 2], 'int32'), tf.fill([2, 5], 0.2)]) {
      const { value, grad } = tf.valueAndGrad((x) => crossEntropy(x, targets))(logits);
      expect(value.dataSync()[0]).toBeNaN();
      expect([...grad.dataSync()].map(Number.isNaN)).toEqual(Array.from({ length: 10 }, (_, i) => i < 5));
    }
  });
});
