import { batchNorm, batchNormTraining } from '@proj/ops';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { compare, finite, runs, size, small } from '../test/twin.ts';

const eps = 1e-2;

describe('the batch norm kernels', () => {
  beforeEach(async () => {
    await tf.setBackend('wasm');
  });

  it('agree with the composed operation in training, value and gradients', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 21 }), small, size, (batch, height, channels) => {
        const running = () => ({ mean: tf.zeros([channels]), variance: tf.ones([channels]) });
        return compare(
          (x, weight, bias) => batchNormTraining(x!, weight!, bias!, { ...running(), eps, momentum: 0.1 }).y,
          [{ shape: [batch, height, 1, channels], centre: 3 }, { shape: [channels] }, { shape: [channels] }],
          2e-5,
        );
      }),
      runs,
    );
  });

  it('agree with the composed operation at inference, value and gradients', async () => {
    await fc.assert(
      fc.asyncProperty(size, size, (rows, channels) => {
        const row = (centre: number) =>
          tf.tensor1d(Float32Array.from({ length: channels }, (_, i) => centre + Math.sin(i)));
        return compare(
          (x, weight, bias) => batchNorm(x!, weight!, bias!, { mean: row(0), variance: row(1.5), eps }),
          [{ shape: [rows, channels] }, { shape: [channels] }, { shape: [channels] }],
        );
      }),
      runs,
    );
  });

  it('move the running statistics as the composed operation does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 40 }), size, async (rows, channels) => {
        const run = async (backend: string) => {
          await tf.setBackend(backend);
          return tf.tidy(() => {
            const x = tf.tensor2d(
              Float32Array.from({ length: rows * channels }, (_, i) => 5 + Math.sin(i)),
              [rows, channels],
            );
            const [zeros, ones] = [tf.zeros([channels]), tf.ones([channels])];
            const spec = { mean: zeros, variance: ones, eps, momentum: 0.25 };
            const { mean, variance } = batchNormTraining(x, ones, zeros, spec);
            return [...mean.dataSync(), ...variance.dataSync()];
          });
        };
        const expected = await run('cpu');
        const received = await run('wasm');
        for (const [i, value] of received.entries()) expect(value).toBeCloseTo(expected[i]!, 5);
      }),
      { ...runs, numRuns: 15 },
    );
  });

  it('pass NaN on to their channel and to no other', () => {
    const x = new Float32Array(5 * 7).fill(1);
    x[2 * 7 + 6] = Number.NaN;
    const [zeros, ones] = [tf.zeros([7]), tf.ones([7])];
    const spec = { mean: zeros, variance: ones, eps, momentum: 0.1 };
    const run = (x: tf.Tensor, weight: tf.Tensor) => batchNormTraining(x, weight, zeros, spec).y;
    const others = Array.from({ length: 35 }, (_, i) => i % 7 !== 6);
    expect(finite(run(tf.tensor2d(x, [5, 7]), ones))).toEqual(others);
    const [dx, dWeight] = tf.grads(run)([tf.tensor2d(x, [5, 7]), ones]);
    expect(finite(dx!)).toEqual(others);
    expect(finite(dWeight!)).toEqual(others.slice(0, 7));
    // With given statistics, only where it stands.
    const y = batchNorm(tf.tensor2d(x, [5, 7]), ones, zeros, spec);
    expect(finite(y)).toEqual(Array.from({ length: 35 }, (_, i) => i !== 20));
  });

  it('have nothing to do for no rows', () => {
    const ones = tf.ones([3]);
    expect(batchNorm(tf.zeros([0, 3]), ones, ones, { mean: ones, variance: ones, eps }).shape).toEqual([
      0, 3,
    ]);
  });
});
