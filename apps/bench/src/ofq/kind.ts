import type { OfqCase } from '@proj/fixtures';
import { type Tensor, tensor } from '@tensorflow/tfjs-core';

/** What a package computed, beside the name of the reference's tensor. */
export type Computed = readonly [name: string, values: ArrayLike<number>];

/** A kind of case is told by what it holds; `compute` does what the reference code did. */
export interface Kind {
  is(entry: OfqCase): boolean;
  compute(entry: OfqCase): Computed[];
  /** Names of a case's tensors that it gives, or that are not compared; all others have to be computed. */
  readonly given: RegExp;
  /** The difference allowed for a tensor; {@link allowedDifference} where a kind has no other. */
  allowed?(entry: OfqCase, name: string, largest: number): number;
}

export type Parameters = ReadonlyMap<string, Tensor>;

export const live = (entry: OfqCase, name: string): Tensor => {
  const { shape, dtype, data } = entry.tensors.get(name)!;
  return dtype === 'int32'
    ? tensor(Int32Array.from(data), [...shape], 'int32')
    : tensor(Float32Array.from(data), [...shape]);
};

/** Tensors of a case whose names begin with `group`, under the rest of their names after another prefix. */
export const liveGroup = (entry: OfqCase, group: string, prefix = ''): Map<string, Tensor> =>
  new Map(
    [...entry.tensors.keys()]
      .filter((name) => name.startsWith(group))
      .map((name) => [prefix + name.slice(group.length), live(entry, name)]),
  );

/**
 * The difference allowed for a tensor: 1e-5 of its largest value or 20 times the noise that the reference code has in float32,
 * 2e-5 of the largest value where a case tells no noise, and none between integers.
 */
export function allowedDifference(
  { f32_noise_max_abs, tensors }: OfqCase,
  name: string,
  largest: number,
): number {
  if (tensors.get(name)!.dtype === 'int32') return 0;
  const [phase, rest] = name.split('.', 2) as [string, string | undefined];
  const noise: unknown = f32_noise_max_abs ?? {};
  let figure = (noise as Record<string, unknown>)[phase === 'grad' ? 'grad_params' : phase];
  if (typeof figure === 'object' && figure !== null) figure = (figure as Record<string, unknown>)[rest!];
  return typeof figure === 'number' ? Math.max(1e-5 * largest, 20 * figure) : 2e-5 * largest;
}
