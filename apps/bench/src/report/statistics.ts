import type { Interval } from './section.ts';

/**
 * The mean of independent values, one a seed, and its 95 % interval by Student's t. One value has none.
 *
 * @throws {RangeError} for no values.
 */
export function meanInterval(values: readonly number[]): Interval {
  const n = values.length;
  if (n === 0) throw new RangeError('the mean of no values');
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  if (n === 1) return { mean, n };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  const half = studentQuantile(0.975, n - 1) * Math.sqrt(variance / n);
  return { mean, low: mean - half, high: mean + half, n };
}

/** The t below which Student's distribution with a whole number of degrees of freedom has the probability p > 1/2. */
export function studentQuantile(p: number, degrees: number): number {
  let [low, high] = [0, 1];
  while (within(high, degrees) < 2 * p - 1) high *= 2;
  // Until no number lies between the two.
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return high;
    if (within(middle, degrees) < 2 * p - 1) low = middle;
    else high = middle;
  }
}

/** The probability of |T| < t: a finite sum for whole degrees of freedom (Abramowitz and Stegun, 26.7.3 and 26.7.4). */
function within(t: number, degrees: number): number {
  const angle = Math.atan(t / Math.sqrt(degrees));
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const odd = degrees % 2 === 1;
  let term = odd ? cosine : 1;
  let sum = 0;
  for (let power = odd ? 1 : 0; power <= degrees - 2; power += 2) {
    sum += term;
    term *= (cosine ** 2 * (power + 1)) / (power + 2);
  }
  return odd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum;
}
