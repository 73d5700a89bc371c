import type { Interval } from '../report/section.ts';

/** With both ends. */
export type ClosedInterval = Required<Interval>;

const z = 1.959963984540054;

/** A share with its 95 % interval by Wilson's score, in percent. @throws {RangeError} of nothing. */
export function wilson(count: number, of: number): ClosedInterval {
  if (of === 0) throw new RangeError('a share of nothing');
  const share = count / of;
  const centre = (share + z ** 2 / (2 * of)) / (1 + z ** 2 / of);
  const half = (z / (1 + z ** 2 / of)) * Math.sqrt((share * (1 - share)) / of + z ** 2 / (4 * of ** 2));
  return { mean: 100 * share, low: 100 * (centre - half), high: 100 * (centre + half), n: of };
}

/**
 * How much more often one is right than the other on the same images, in points, with the 95 % interval by the normal distribution
 * of the mean of the paired differences.
 *
 * @throws {RangeError} where they have not as many images, or none.
 */
export function pairedDifference(one: readonly boolean[], other: readonly boolean[]): ClosedInterval {
  const n = one.length;
  if (n !== other.length || n === 0)
    throw new RangeError(`${n} images against ${other.length}; differences need pairs`);
  const differences = one.map((right, i) => Number(right) - Number(other[i]));
  const mean = differences.reduce((sum, value) => sum + value, 0) / n;
  const variance = differences.reduce((sum, value) => sum + (value - mean) ** 2, 0) / n;
  const half = z * Math.sqrt(variance / n);
  return { mean: 100 * mean, low: 100 * (mean - half), high: 100 * (mean + half), n };
}

/** As tables have it: a report's own intervals are over seeds. */
export const formatted = ({ mean, low, high }: ClosedInterval, digits = 1): string =>
  `${shown(mean, digits)} (${shown(low, digits)} to ${shown(high, digits)})`;

const shown = (value: number, digits: number): string =>
  // No negative zero.
  (Number(value.toFixed(digits)) + 0).toFixed(digits).replace('-', '−');
