import { type OfqCase, ofqCase, ofqCaseNames } from '@proj/fixtures';
import { type Tensor, tensor } from '@tensorflow/tfjs-core';
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

/** The parameters of a case, each name with a prefix. */
export function parametersOf(entry: OfqCase, prefix: string): Map<string, Tensor> {
  const names = [...entry.tensors.keys()].filter((name) => name.startsWith('param.'));
  return new Map(names.map((name) => [`${prefix}.${name.slice('param.'.length)}`, live(entry, name)]));
}

/**
 * Holds a tensor against that of the case: within 1e-5 of its largest value or 20 times the noise that the reference code itself has in
 * float32, 2e-5 where the case tells no noise; integers exactly.
 */
export function expectReference(entry: OfqCase, name: string, received: Tensor): void {
  const { data, dtype, shape } = entry.tensors.get(name)!;
  const values = received.dataSync();
  const what = `${entry.name}: ${name}`;
  expect(received.shape, what).toEqual([...shape]);
  const largest = Math.max(...Array.from(data, Math.abs));
  let worst = 0;
  for (const [i, value] of values.entries()) {
    const difference = Math.abs(value - data[i]!);
    // NaN must not pass for the smallest difference.
    worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(worst, difference);
  }
  expect(worst, what).toBeLessThanOrEqual(dtype === 'int32' ? 0 : allowed(entry, name, largest));
}

function allowed({ f32_noise_max_abs }: OfqCase, name: string, largest: number): number {
  const [phase, rest] = name.split('.', 2) as [string, string | undefined];
  const noise = (f32_noise_max_abs ?? {}) as Readonly<Record<string, unknown>>;
  let figure = noise[phase === 'grad' ? 'grad_params' : phase];
  if (typeof figure === 'object' && figure !== null) {
    figure = (figure as Readonly<Record<string, unknown>>)[rest!];
  }
  return typeof figure === 'number' ? Math.max(1e-5 * largest, 20 * figure) : 2e-5 * largest;
}
