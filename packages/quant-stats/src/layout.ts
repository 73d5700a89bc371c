import type { LsqSpec, StatsqSpec } from '@proj/ops';
import { QuantStatsError } from './error.ts';
import type { LsqQuantizer, Quantizer, StatsqQuantizer } from './quantizers.ts';

/** A tensor read as [outer, groups, inner], of which each group has one scale or step. */
export interface Layout {
  readonly groups: number;
  readonly inner: number;
}

/**
 * Which elements of a tensor of that shape share a scale or step; `groups` is how many there are.
 *
 * @throws {QuantStatsError} `QS_SHAPE_MISMATCH` for another rank than the quantizer's, or no elements.
 */
export function layoutOf(quantizer: Quantizer, shape: readonly number[]): Layout {
  const size = sizeOf(shape);
  if (shape.length !== quantizer.rank || size === 0) {
    throw new QuantStatsError(
      'QS_SHAPE_MISMATCH',
      `${quantizer.method} with ${quantizer.bits} bits is for ${quantizer.name}, got [${shape}]; reshape it, or take the quantizer for such a tensor.`,
    );
  }
  const axis = quantizer.method === 'statsq' ? -2 : quantizer.axis;
  if (axis === 'all') return { groups: 1, inner: size };
  const [groups, ...rest] = shape.slice(axis) as [number, ...number[]];
  return { groups, inner: sizeOf(rest) };
}

/** Smallest and largest integer code. */
export interface Levels {
  readonly low: number;
  readonly high: number;
}

/** The codes of a quantizer: -n .. n - 1 with n = 2^(b-1), or 0 .. 2^b - 1 where nothing is negative. */
export function levelsOf(quantizer: Quantizer): Levels {
  const n = 2 ** (quantizer.bits - 1);
  const signed = quantizer.method === 'statsq' || quantizer.signed;
  return signed ? { low: -n, high: n - 1 } : { low: 0, high: 2 * n - 1 };
}

/**
 * What `lsq` of `@proj/ops` needs for a tensor of that shape: levels, sharing, and the gradient scale 1 / sqrt(Q_p M), M the number
 * of elements that share a step (Esser et al. 2020, section 2.2).
 *
 * @throws {QuantStatsError} `QS_SHAPE_MISMATCH`.
 */
export function lsqSpec(quantizer: LsqQuantizer, shape: readonly number[]): LsqSpec {
  const { groups, inner } = layoutOf(quantizer, shape);
  const { low, high } = levelsOf(quantizer);
  return { inner, low, high, gradientScale: 1 / Math.sqrt((high * sizeOf(shape)) / groups) };
}

/**
 * What `statsq` of `@proj/ops` needs for a tensor of that shape.
 *
 * @throws {QuantStatsError} `QS_SHAPE_MISMATCH`.
 */
export function statsqSpec(quantizer: StatsqQuantizer, shape: readonly number[]): StatsqSpec {
  return { bits: quantizer.bits, ...layoutOf(quantizer, shape) };
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((size, length) => size * length, 1);
