import { random } from '@proj/random';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { expect } from 'vitest';

export const BACKENDS = ['cpu', 'wasm'] as const;

const size = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);

/** Normal draws of a shape, as float32 holds them. */
function normal(name: string, shape: readonly number[], scale = 1): Float64Array {
  const stream = random(1, name, ...shape);
  return Float64Array.from({ length: size(shape) }, () => Math.fround(scale * stream.normal()));
}

/** Largest difference, in units of the largest expected magnitude (at least 1). */
function difference(received: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(received.length).toBe(expected.length);
  let largest = 0;
  let magnitude = 1;
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(received[i]! - expected[i]!));
    magnitude = Math.max(magnitude, Math.abs(expected[i]!));
  }
  return largest / magnitude;
}

/**
 * Holds an operation against its definition in float64: the value, and for every input the gradient against central
 * differences of the definition. Also checks that no tensor is left behind.
 */
export function checkOperation(check: {
  readonly run: (...inputs: tf.Tensor[]) => tf.Tensor;
  readonly definition: (...inputs: Float64Array[]) => Float64Array;
  readonly shapes: readonly (readonly number[])[];
  readonly expected: readonly number[];
  readonly scale?: number;
  readonly tolerance?: number;
}): void {
  const { run, definition, shapes, expected, scale = 1, tolerance = 3e-6 } = check;
  const values = shapes.map((shape, i) => normal(`input ${i}`, shape, scale));
  const before = tf.memory().numTensors;
  const inputs = values.map((value, i) => tf.tensor(Float32Array.from(value), [...shapes[i]!]));
  const dyValues = normal('dy', expected);
  const dy = tf.tensor(Float32Array.from(dyValues), [...expected]);

  const value = run(...inputs);
  expect(value.shape).toEqual(expected);
  expect(difference(value.dataSync(), definition(...values))).toBeLessThan(tolerance);

  const gradients = tf.grads(run)(inputs, dy);
  gradients.forEach((gradient, i) => {
    expect(gradient.shape).toEqual(shapes[i]);
    const numeric = centralDifferences(definition, values, i, dyValues);
    expect(difference(gradient.dataSync(), numeric)).toBeLessThan(3 * tolerance);
  });

  tf.dispose([inputs, dy, value, gradients]);
  expect(tf.memory().numTensors).toBe(before);
}

function centralDifferences(
  definition: (...inputs: Float64Array[]) => Float64Array,
  values: readonly Float64Array[],
  at: number,
  dy: Float64Array,
): Float64Array {
  const h = 1e-5;
  const weighted = (index: number, shift: number): number => {
    const moved = values.map((value) => value.slice());
    moved[at]![index]! += shift;
    return definition(...moved).reduce((sum, y, i) => sum + y * dy[i]!, 0);
  };
  return values[at]!.map((_, index) => (weighted(index, h) - weighted(index, -h)) / (2 * h));
}
