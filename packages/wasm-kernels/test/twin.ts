import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import fc from 'fast-check';
import { expect } from 'vitest';
import '../src/install.ts';

type Operation = (...inputs: tf.Tensor[]) => tf.Tensor;

/** A tensor of a shape: a wave of this amplitude (2) around this centre (0). */
interface Input {
  readonly shape: readonly number[];
  readonly amplitude?: number;
  readonly centre?: number;
}

/** Value and gradients of an operation, on a backend. */
async function results(backend: string, run: Operation, inputs: readonly Input[]): Promise<Float32Array[]> {
  await tf.setBackend(backend);
  const make = ({ shape, amplitude = 2, centre = 0 }: Input, seed: number): tf.Tensor =>
    tf.tensor(
      Float32Array.from(
        { length: shape.reduce((a, b) => a * b, 1) },
        (_, i) => centre + amplitude * Math.sin((i + 1) * (seed + 0.7)),
      ),
      [...shape],
    );
  return tf.tidy(() => {
    const tensors = inputs.map(make);
    const value = run(...tensors);
    const gradients = tf.grads(run)(tensors, make({ shape: value.shape, amplitude: 1 }, 9));
    return [value, ...gradients].map((tensor) => tensor.dataSync() as Float32Array);
  });
}

/** Holds our kernels on wasm against the operation composed on the cpu backend: its value and the gradient of each input. */
export async function compare(run: Operation, inputs: readonly Input[], tolerance = 1e-5): Promise<void> {
  const expected = await results('cpu', run, inputs);
  const received = await results('wasm', run, inputs);
  for (const [which, values] of received.entries()) {
    const wanted = expected[which]!;
    expect(values.length).toBe(wanted.length);
    const magnitude = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    const worst = values.reduce((most, value, i) => Math.max(most, Math.abs(value - wanted[i]!)), 0);
    expect(worst / magnitude).toBeLessThan(tolerance);
  }
}

/** Which elements of a tensor are finite. */
export const finite = (y: tf.Tensor): boolean[] =>
  [...(tf.isFinite(y).dataSync() as Uint8Array)].map(Boolean);

export const size = fc.integer({ min: 1, max: 21 });
export const small = fc.integer({ min: 1, max: 4 });
export const runs = { numRuns: 40, seed: 5 };

/** Shapes that broadcast to one: axes before the last may be 1 or, from the left, missing. */
export const maskOf = (shape: readonly number[]): fc.Arbitrary<number[]> =>
  fc
    .tuple(
      fc.integer({ min: 0, max: shape.length - 1 }),
      fc.array(fc.boolean(), { minLength: shape.length, maxLength: shape.length }),
    )
    .map(([missing, ones]) =>
      shape.map((length, axis) => (ones[axis] && axis < shape.length - 1 ? 1 : length)).slice(missing),
    );
