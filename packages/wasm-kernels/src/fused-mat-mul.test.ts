import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, it } from 'vitest';
import './install.ts';

const ACTIVATIONS = ['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu', 'prelu'] as const;

function run(activation: (typeof ACTIVATIONS)[number], ta: boolean, tb: boolean, withBias: boolean) {
  const values = (shape: [number, number], seed: number): tf.Tensor2D =>
    tf.tensor2d(
      Float32Array.from({ length: shape[0] * shape[1] }, (_, i) => 4 * Math.sin((i + 1) * seed)),
      shape,
    );
  const extra = {
    ...(withBias ? { bias: tf.tensor1d([1, -2, 3, -4, 5, -6, 7, 8, -9]) } : {}),
    ...(activation === 'prelu'
      ? { preluActivationWeights: tf.tensor1d([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]) }
      : {}),
    ...(activation === 'leakyrelu' ? { leakyreluAlpha: 0.3 } : {}),
  };
  return tf.fused.matMul({
    a: ta ? values([7, 6], 1.1) : values([6, 7], 1.1),
    b: tb ? values([9, 7], 2.3) : values([7, 9], 2.3),
    transposeA: ta,
    transposeB: tb,
    activation,
    ...extra,
  });
}

describe('tf.fused.matMul on wasm', () => {
  it.each(ACTIVATIONS)("agrees with tfjs's cpu backend: %s", async (activation) => {
    for (const [ta, tb, bias] of [
      [false, false, true],
      [true, false, true],
      [false, true, false],
      [true, true, true],
    ] as const) {
      await tf.setBackend('cpu');
      const expected = run(activation, ta, tb, bias).dataSync();
      await tf.setBackend('wasm');
      const before = tf.memory().numDataBuffers;
      const received = tf.tidy(() => run(activation, ta, tb, bias).dataSync());
      expect(tf.memory().numDataBuffers).toBe(before);
      for (const [i, value] of received.entries()) expect(value).toBeCloseTo(expected[i]!, 4);
    }
  });

  it('keeps NaN through a clamp', async () => {
    await tf.setBackend('wasm');
    const y = tf.fused.matMul({
      a: tf.tensor2d([[Number.NaN], [-1], [9]]),
      b: tf.tensor2d([[1]]),
      activation: 'relu6',
    });
    expect([...y.dataSync()]).toEqual([Number.NaN, 0, 6]);
  });

  it('refuses a bias that is not one float32 value per column', async () => {
    await tf.setBackend('wasm');
    const [a, b] = [tf.ones([2, 3]) as tf.Tensor2D, tf.ones([3, 4]) as tf.Tensor2D];
    expect(() => tf.fused.matMul({ a, b, bias: tf.ones([1, 4]) })).toThrow(
      'the bias must be float32 [4], one value per column, got float32 [1,4]',
    );
    expect(() => tf.fused.matMul({ a, b, bias: tf.scalar(1) })).toThrow(
      expect.objectContaining({ code: 'WASM_KERNELS_BAD_SHAPE' }),
    );
  });
});
