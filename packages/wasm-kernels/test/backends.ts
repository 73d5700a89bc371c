import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';

/** Repeatable values in [-1, 1] of a shape. */
export function values(shape: readonly number[], seed: number): tf.Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin((i + 1) * (seed + 1.37))),
    [...shape],
  );
}

/** Runs a program on the cpu backend and on wasm, and holds the results against each other, in units of the largest value. */
export async function agree(program: () => tf.Tensor, tolerance = 1e-5): Promise<void> {
  await tf.setBackend('cpu');
  const expected = tf.tidy(program);
  const wanted = [...expected.dataSync()];
  await tf.setBackend('wasm');
  const before = tf.memory().numDataBuffers;
  const received = tf.tidy(program);
  expect(received.shape).toEqual(expected.shape);
  expect(received.dtype).toBe(expected.dtype);
  const got = [...received.dataSync()];
  const magnitude = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  const worst = got.reduce((most, value, i) => Math.max(most, Math.abs(value - wanted[i]!)), 0);
  expect(worst / magnitude).toBeLessThan(tolerance);
  tf.dispose(received);
  expect(tf.memory().numDataBuffers).toBe(before);
  tf.dispose(expected);
}

/** Runs a kernel by its name on the current backend. */
export const runKernel = (name: string, inputs: tf.NamedTensorMap, attrs: object): tf.Tensor =>
  tf.engine().runKernel(name, inputs, attrs as Record<string, number>) as tf.Tensor;
