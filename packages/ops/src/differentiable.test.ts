import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { BACKENDS } from '../test/check.ts';
import './gradients.ts';
import { gelu, layerNorm, linear, mlpBlock, softmax } from './index.ts';

/** Maps [2, 3] to [2, 3]. */
const OPERATIONS: Readonly<Record<string, (x: tf.Tensor) => tf.Tensor>> = {
  layerNorm: (x) => layerNorm(x, tf.ones([3]), tf.zeros([3]), 1e-3),
  softmax: (x) => softmax(x),
  gelu: (x) => gelu(x),
  linear: (x) => linear(x, tf.ones([3, 3]), tf.ones([3])),
  mlpBlock: (x) => {
    const affine = (rows: number, columns: number) => ({
      weight: tf.ones([rows, columns]),
      bias: tf.ones([rows]),
    });
    const norm = { weight: tf.ones([3]), bias: tf.ones([3]) };
    return mlpBlock(x, { norm, fc1: affine(4, 3), fc2: affine(3, 4) }, 1e-3);
  },
};

describe.each(BACKENDS)('a gradient of a gradient, on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });
  const x = (): tf.Tensor => tf.tensor2d([0.3, -0.7, 1.1, 0.2, 0.5, -0.4], [2, 3]);

  it.each(Object.keys(OPERATIONS))('is refused where a part of it runs through %s', (name) => {
    const f = (x: tf.Tensor): tf.Tensor => tf.mul(x, OPERATIONS[name]!(x));
    expect(() => tf.grad((x) => tf.grad(f)(x))(x())).toThrow(
      expect.objectContaining({
        code: 'OPS_NOT_DIFFERENTIABLE',
        message: expect.stringContaining('the gradient [2,3] of an operation of @proj/ops'),
      }),
    );
  });

  it('may be a constant factor of what is differentiated', () => {
    tf.tidy(() => {
      const inner = x();
      const f = (y: tf.Tensor): tf.Tensor => tf.mul(y, tf.grad(OPERATIONS['gelu']!)(inner));
      const factor = tf.grad(OPERATIONS['gelu']!)(inner).dataSync();
      expect(tf.grad(f)(x()).dataSync()).toEqual(factor);
    });
  });
});
