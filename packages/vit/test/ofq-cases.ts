import { type OfqCase, ofqCase, ofqCaseNames } from '@proj/fixtures';
import { grads, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { expect } from 'vitest';

/** The committed cases of the reference code whose names begin so. */
export const casesOf = (prefix: RegExp): OfqCase[] => {
  const names = ofqCaseNames().filter((name) => prefix.test(name));
  expect(names.length).toBeGreaterThan(0);
  return names.map((name) => ofqCase(name));
};

/** A tensor of a case, live. */
export function live(entry: OfqCase, name: string): Tensor {
  const { shape, dtype, data } = entry.tensors.get(name)!;
  return dtype === 'int32'
    ? tensor(Int32Array.from(data), [...shape], 'int32')
    : tensor(Float32Array.from(data), [...shape]);
}

/** A case's tensors whose names begin with `group.`, named by the rest after a prefix. */
export const group = (entry: OfqCase, name: string, prefix = ''): Map<string, Tensor> =>
  new Map(
    [...entry.tensors.keys()]
      .filter((key) => key.startsWith(`${name}.`))
      .map((key) => [prefix + key.slice(name.length + 1), live(entry, key)]),
  );

/** Value, and gradients of the input and every parameter by name, against the reference's. */
export function expectGradients(
  entry: OfqCase,
  run: (x: Tensor, parameters: ReadonlyMap<string, Tensor>) => Tensor,
  parameters: ReadonlyMap<string, Tensor>,
  { prefix = '', dy }: { readonly prefix?: string; readonly dy?: Tensor } = {},
): void {
  const names = [...parameters.keys()];
  const f = (x: Tensor, ...values: Tensor[]) => run(x, new Map(values.map((value, i) => [names[i]!, value])));
  const all = [live(entry, 'x'), ...parameters.values()];
  const [dx, ...gradients] = grads(f as (...inputs: Tensor[]) => Tensor)(all, dy);
  expectReference(entry, 'dx', dx!);
  for (const [i, name] of names.entries()) {
    expectReference(entry, `grad.${name.slice(prefix.length)}`, gradients[i]!);
  }
}

/**
 * Holds a tensor against that of the case: within 1e-5 of its largest value or 20 times the noise that the reference code itself has in
 * float32, 2e-5 where the case tells no noise.
 */
export function expectReference(entry: OfqCase, name: string, received: Tensor): void {
  const { data, shape } = entry.tensors.get(name)!;
  const what = `${entry.name}: ${name}`;
  expect(received.shape, what).toEqual([...shape]);
  const largest = Math.max(...Array.from(data, Math.abs));
  let worst = 0;
  for (const [i, value] of received.dataSync().entries()) {
    const difference = Math.abs(value - data[i]!);
    // NaN must not pass for the smallest difference.
    worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(worst, difference);
  }
  expect(worst, what).toBeLessThanOrEqual(allowed(entry, name, largest));
}

function allowed({ f32_noise_max_abs }: OfqCase, name: string, largest: number): number {
  const noise = (f32_noise_max_abs ?? {}) as Readonly<Record<string, unknown>>;
  const figure = noise[name.startsWith('grad.') ? 'grad_params' : name];
  return typeof figure === 'number' ? Math.max(1e-5 * largest, 20 * figure) : 2e-5 * largest;
}
