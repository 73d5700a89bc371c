import type { OfqCase } from '@proj/fixtures';
import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import { expect } from 'vitest';

/** A tensor of a fixture, live. */
export function fixtureTensor(entry: OfqCase, key: string): Tensor {
  const { shape, dtype, data } = entry.tensors.get(key)!;
  const values = dtype === 'int32' ? Int32Array.from(data) : Float32Array.from(data);
  return tensor(values, [...shape], dtype === 'int32' ? 'int32' : 'float32');
}

/** Every element within `tolerance` of the reference. */
export function expectClose(
  actual: Tensor,
  reference: ArrayLike<number>,
  tolerance: number,
  what: string,
): void {
  const values = Array.from(actual.dataSync());
  expect(values.length, what).toBe(reference.length);
  const worst = values.reduce((max, value, i) => Math.max(max, Math.abs(value - reference[i]!)), 0);
  expect(worst, what).toBeLessThanOrEqual(tolerance);
}

export function maxAbs(values: ArrayLike<number>): number {
  return Array.from(values).reduce((max, value) => Math.max(max, Math.abs(value)), 0);
}
