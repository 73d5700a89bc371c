import { attentionPacked, gelu, layerNorm, linear } from '@proj/ops';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { heapMemory } from '../test/heap-memory.ts';
import { compare, finite, runs, size } from '../test/twin.ts';

describe('the fused kernels agree with the composed operations, value and gradients', () => {
  it('layerNorm', async () => {
    await fc.assert(
      fc.asyncProperty(size, size, (rows, width) =>
        compare(
          (x, w, b) => layerNorm(x!, w!, b!, 1e-2),
          [{ shape: [rows, 1, width] }, { shape: [width] }, { shape: [width] }],
        ),
      ),
      runs,
    );
  });

  it('gelu', async () => {
    await fc.assert(
      fc.asyncProperty(size, size, fc.constantFrom('none', 'tanh'), (a, b, form) =>
        compare((x) => gelu(x!, form), [{ shape: [a, b], amplitude: 6 }]),
      ),
      runs,
    );
  });

  it('linear', async () => {
    await fc.assert(
      fc.asyncProperty(size, size, size, (rows, inputs, outputs) =>
        compare(
          (x, w, b) => linear(x!, w!, b!),
          [{ shape: [rows, inputs] }, { shape: [outputs, inputs] }, { shape: [outputs] }],
        ),
      ),
      runs,
    );
  });
});

describe('the fused kernels', () => {
  it('are not reached with a number of heads that is none', async () => {
    await tf.setBackend('wasm');
    for (const heads of [0.5, -2, Number.NaN]) {
      expect(() => attentionPacked(tf.zeros([1, 2, 12]), heads, 1)).toThrow(
        expect.objectContaining({ code: 'OPS_BAD_ARGUMENT' }),
      );
    }
  });

  it('pass NaN on where it belongs and nowhere else', async () => {
    await tf.setBackend('wasm');
    const x = tf.tensor2d([
      [1, 2, 3, 4, Number.NaN],
      [1, 2, 3, 4, 5],
    ]);
    for (const form of ['none', 'tanh'] as const) {
      expect(finite(gelu(x, form))).toEqual(Array.from({ length: 10 }, (_, i) => i !== 4));
    }
    const normalised = layerNorm(x, tf.ones([5]), tf.zeros([5]), 1e-6);
    expect(finite(normalised)).toEqual([false, false, false, false, false, true, true, true, true, true]);
    const qkv = tf.tensor3d([1, 1, 1, 2, 2, 2, Number.NaN, 1, 1, 2, 2, 2], [2, 2, 3]);
    expect(finite(attentionPacked(qkv, 1, 1))).toEqual([true, true, false, true]);
  });

  it('stay finite for large scores and far tails', async () => {
    await tf.setBackend('wasm');
    const attended = attentionPacked(tf.mul(tf.ones([1, 3, 6]), [[[1e3, 1e3, 1e3, 1e3, 2, 5]]]), 2, 1);
    expect([...attended.dataSync()].every(Number.isFinite)).toBe(true);
    for (const form of ['none', 'tanh'] as const) {
      const [below, above, most] = gelu(
        tf.tensor1d([-1e20, 1e20, Number.POSITIVE_INFINITY]),
        form,
      ).dataSync();
      expect(below).toBeCloseTo(0);
      expect(above).toBe(Math.fround(1e20));
      expect(most).toBe(Number.POSITIVE_INFINITY);
    }
  });

  it('give the same bits again, and leave nothing behind, also while the memory grows', async () => {
    await tf.setBackend('wasm');
    const qkv = tf.tensor(
      Float32Array.from({ length: 2 * 17 * 24 }, (_, i) => Math.sin(i)),
      [2, 17, 24],
    );
    const step = () =>
      tf.tidy(() => {
        const y = layerNorm(gelu(attentionPacked(qkv, 2, 0.5)), tf.ones([8]), tf.zeros([8]), 1e-6);
        return y.dataSync();
      });
    const first = step();
    const before = tf.memory();
    const ballast: tf.Tensor[] = [];
    const memory = heapMemory();
    const bytes = memory.buffer.byteLength;
    for (let i = 0; i < 200; i++) {
      if (i % 50 === 0) ballast.push(tf.fill([24 << 18], i));
      expect(step()).toEqual(first);
    }
    expect(memory.buffer.byteLength).toBeGreaterThan(bytes);
    tf.dispose(ballast);
    expect(tf.memory()).toEqual(before);
  });
});
