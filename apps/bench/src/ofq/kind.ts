import type { OfqCase } from '@proj/fixtures';
import { type Tensor, tensor } from '@tensorflow/tfjs-core';

/** What a package computed, beside the name of the reference's tensor. */
export type Computed = readonly [name: string, values: ArrayLike<number>];

/** A kind of case is told by what it holds; `compute` does what the reference code did. */
export interface Kind {
  is(entry: OfqCase): boolean;
  compute(entry: OfqCase): Computed[];
  /** Allowed difference relative to the largest reference value; by the case's own noise figures where there is none. */
  readonly tolerance?: number;
}

export const live = (entry: OfqCase, name: string): Tensor => {
  const { shape, dtype, data } = entry.tensors.get(name)!;
  return dtype === 'int32'
    ? tensor(Int32Array.from(data), [...shape], 'int32')
    : tensor(Float32Array.from(data), [...shape]);
};

/**
 * The difference allowed for a tensor: 1e-5 of its largest value or 20 times the noise that the reference code has in float32,
 * and 2e-5 of the largest value where a case tells no noise.
 */
export function allowedDifference({ f32_noise_max_abs }: OfqCase, name: string, largest: number): number {
  const [phase, rest] = name.split('.', 2) as [string, string | undefined];
  const noise: unknown = f32_noise_max_abs ?? {};
  const key = phase === 'grad' ? 'grad_params' : phase;
  let figure = (noise as Record<string, unknown>)[key];
  if (typeof figure === 'object' && figure !== null) figure = (figure as Record<string, unknown>)[rest!];
  return typeof figure === 'number' ? Math.max(1e-5 * largest, 20 * figure) : 2e-5 * largest;
}
