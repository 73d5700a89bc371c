import { attentionPacked, gelu, layerNorm, linear } from '@proj/ops';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { heapMemory } from '../test/heap-memory.ts';
import './install.ts';

type Operation = (...inputs: tf.Tensor[]) => tf.Tensor;

/** Value and gradients of an operation, on a backend. */
async function results(
  backend: string,
  run: Operation,
  shapes: number[][],
  scale: number,
): Promise<Float32Array[]> {
  await tf.setBackend(backend);
  const make = (shape: number[], seed: number, scale: number): tf.Tensor => {
    const size = shape.reduce((a, b) => a * b, 1);
    return tf.tensor(
      Float32Array.from({ length: size }, (_, i) => scale * Math.sin((i + 1) * (seed + 0.7))),
      shape,
    );
  };
  return tf.tidy(() => {
    const inputs = shapes.map((shape, i) => make(shape, i, scale));
    const value = run(...inputs);
    const gradients = tf.grads(run)(inputs, make(value.shape, 9, 1));
    return [value, ...gradients].map((tensor) => tensor.dataSync() as Float32Array);
  });
}

/** Holds our fused kernels on wasm against the operation composed on the cpu backend. */
async function compare(run: Operation, shapes: number[][], scale = 2, tolerance = 1e-5): Promise<void> {
  const expected = await results('cpu', run, shapes, scale);
  const received = await results('wasm', run, shapes, scale);
  received.forEach((values, which) => {
    const magnitude = expected[which]!.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    const worst = values.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - expected[which]![i]!)),
      0,
    );
    expect(worst / magnitude).toBeLessThan(tolerance);
  });
}

const size = fc.integer({ min: 1, max: 21 });
const runs = { numRuns: 40, seed: 5 };

describe('the fused kernels agree with the composed operations, value and gradients', () => {
  it('layerNorm', async () => {
    await fc.assert(
      fc.asyncProperty(size, size, (rows, width) =>
        compare((x, w, b) => layerNorm(x!, w!, b!, 1e-2), [[rows, 1, width], [width], [width]]),
      ),
      runs,
    );
  });

  it('gelu', async () => {
    await fc.assert(
      fc.asyncProperty(size, size, (a, b) => compare((x) => gelu(x!), [[a, b]], 6)),
      runs,
    );
    await compare((x) => gelu(x!, 'tanh'), [[3, 5]], 6);
  });

  it('attentionPacked', async () => {
    const small = fc.integer({ min: 1, max: 4 });
    await fc.assert(
      fc.asyncProperty(small, size, small, size, (batch, tokens, heads, width) =>
        compare(
          (qkv) => attentionPacked(qkv!, heads, 1 / Math.sqrt(width)),
          [[batch, tokens, 3 * heads * width]],
        ),
      ),
      runs,
    );
    await compare((qkv) => attentionPacked(qkv!, 2, -0.5), [[1, 6, 18]]);
  });

  it('linear', async () => {
    await fc.assert(
      fc.asyncProperty(size, size, size, (rows, inputs, outputs) =>
        compare((x, w, b) => linear(x!, w!, b!), [[rows, inputs], [outputs, inputs], [outputs]]),
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
    const finite = (y: tf.Tensor): boolean[] => [...(tf.isFinite(y).dataSync() as Uint8Array)].map(Boolean);
    expect(finite(gelu(x))).toEqual([true, true, true, true, false, true, true, true, true, true]);
    const normalised = layerNorm(x, tf.ones([5]), tf.zeros([5]), 1e-6);
    expect(finite(normalised)).toEqual([false, false, false, false, false, true, true, true, true, true]);
    const qkv = tf.tensor3d([1, 1, 1, 2, 2, 2, Number.NaN, 1, 1, 2, 2, 2], [2, 2, 3]);
    expect(finite(attentionPacked(qkv, 1, 1))).toEqual([true, true, false, true]);
  });

  it('stay finite for large scores and far tails', async () => {
    await tf.setBackend('wasm');
    const attended = attentionPacked(tf.mul(tf.ones([1, 3, 6]), [[[1e3, 1e3, 1e3, 1e3, 2, 5]]]), 2, 1);
    expect([...attended.dataSync()].every(Number.isFinite)).toBe(true);
    const [below, above] = gelu(tf.tensor1d([-1e20, 1e20])).dataSync();
    expect(below).toBeCloseTo(0);
    expect(above).toBe(Math.fround(1e20));
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
