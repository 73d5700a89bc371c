import type { OfqCase } from '@proj/fixtures';
import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import { expect } from 'vitest';

/** A tensor of a case, live. */
export function live({ tensors }: OfqCase, name: string): Tensor {
  const { shape, data } = tensors.get(name)!;
  return tensor(Float32Array.from(data), [...shape]);
}

/** Those of a case that begin with `group.`, under the rest of their names. */
export function group(entry: OfqCase, group: string): Map<string, Tensor> {
  const names = [...entry.tensors.keys()].filter((name) => name.startsWith(`${group}.`));
  return new Map(names.map((name) => [name.slice(group.length + 1), live(entry, name)]));
}

/**
 * Holds a result against the reference's: within 1e-5 of the largest value or 20 times the noise of its own float32, and within 2e-5 where a
 * case tells no noise. Returns the difference.
 */
export function expectReference(entry: OfqCase, name: string, received: Tensor): number {
  const { shape, data } = entry.tensors.get(name)!;
  expect(received.shape, name).toEqual(shape);
  const largest = Math.max(...Array.from(data, Math.abs));
  const kind = name.startsWith('grad.') ? 'grad_params' : name;
  const noise = entry.f32_noise_max_abs?.[kind];
  const allowed = noise === undefined ? 2e-5 * largest : Math.max(1e-5 * largest, 20 * noise);
  const values = received.dataSync();
  const difference = Math.max(...Array.from(data, (value, i) => Math.abs(value - values[i]!)));
  // Not toBeLessThan(allowed) alone, which a NaN fails with a message that says nothing.
  expect({ name, within: difference <= allowed, difference }).toEqual({ name, within: true, difference });
  return difference;
}
