import { random } from '@proj/random';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { BACKENDS } from '../test/check.ts';
import { globalNorm } from './global-norm.ts';

const norm = (...tensors: tf.Tensor[]): number => globalNorm(tensors).dataSync()[0]!;

describe.each(BACKENDS)('globalNorm on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it('is the norm of all elements of all tensors', () => {
    const { normal } = random(7, 'norm');
    const values = [5, 1, 1000].map((size) => Float32Array.from({ length: size }, normal));
    const expected = Math.hypot(...values.flatMap((some) => [...some]));
    const tensors = [...values.map((some) => tf.tensor1d(some)), tf.zeros([2, 0])];
    const before = tf.memory().numTensors;
    const received = globalNorm(tensors);
    expect(received.shape).toEqual([]);
    expect(received.dataSync()[0]! / expected).toBeCloseTo(1, 5);
    expect(tf.memory().numTensors).toBe(before + 1);
  });

  it('is 0 for no tensors', () => {
    expect(norm()).toBe(0);
  });

  it('is not finite where an element is not', () => {
    expect(norm(tf.ones([3]), tf.tensor1d([1, Number.NaN]))).toBeNaN();
    expect(norm(tf.tensor1d([1, Number.NEGATIVE_INFINITY]), tf.ones([3]))).toBe(Number.POSITIVE_INFINITY);
  });

  it('refuses integers', () => {
    expect(() => norm(tf.ones([2], 'int32'))).toThrow(expect.objectContaining({ code: 'OPS_BAD_DTYPE' }));
  });
});
