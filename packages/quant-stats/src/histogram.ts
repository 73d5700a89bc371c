import { QuantStatsError } from './error.ts';

/** Bins of equal width over [from, to). */
export interface Bins {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** How many values fall into each bin, and how many lie outside. */
export interface Histogram {
  readonly from: number;
  readonly to: number;
  readonly counts: readonly number[];
  readonly below: number;
  readonly above: number;
}

/**
 * Counts values in bins; `to` itself counts as above.
 *
 * @throws {QuantStatsError} `QS_ARGUMENT_INVALID` for bins that are none; `QS_NON_FINITE` for a value that is NaN.
 */
export function histogram(values: ArrayLike<number>, { from, to, count }: Bins): Histogram {
  if (!(from < to) || !Number.isFinite(to - from) || !Number.isInteger(count) || count < 1) {
    throw new QuantStatsError(
      'QS_ARGUMENT_INVALID',
      `histogram: needs finite from < to and a positive integer count, got from = ${from}, to = ${to}, count = ${count}.`,
    );
  }
  const counts = Array.from({ length: count }, () => 0);
  let [below, above] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) {
      throw new QuantStatsError('QS_NON_FINITE', `histogram: value ${i} of ${values.length} is NaN.`);
    }
    if (value < from) below++;
    else if (value >= to) above++;
    // The quotient of a value just below `to` may round up to the number of bins.
    else counts[Math.min(count - 1, Math.floor(((value - from) / (to - from)) * count))]!++;
  }
  return { from, to, counts, below, above };
}
