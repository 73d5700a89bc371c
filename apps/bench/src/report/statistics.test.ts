import { describe, expect, test } from 'vitest';
import { meanInterval, studentQuantile } from './statistics.ts';

describe('studentQuantile', () => {
  test.each([
    [1, 12.7062047362],
    [2, 4.3026527297],
    [3, 3.1824463053],
    [4, 2.7764451052],
    [5, 2.5705818356],
    [10, 2.228138852],
    [29, 2.0452296421],
    [100, 1.9839715185],
    [1000, 1.9623390808],
  ])('0.975 at %i degrees of freedom is the tables’ %d', (degrees, t) => {
    expect(studentQuantile(0.975, degrees)).toBeCloseTo(t, 9);
  });

  test('other probabilities too', () => {
    expect(studentQuantile(0.95, 7)).toBeCloseTo(1.8945786051, 9);
    expect(studentQuantile(0.995, 12)).toBeCloseTo(3.0545395894, 9);
  });
});

describe('meanInterval', () => {
  test('is the mean and t times its standard error on both sides', () => {
    // Standard deviation 1, so a standard error of 1 / √3.
    const { mean, low, high, n } = meanInterval([4, 5, 6]);
    expect([mean, n]).toEqual([5, 3]);
    expect(high! - mean).toBeCloseTo(4.3026527297 / Math.sqrt(3), 9);
    expect(mean - low!).toBeCloseTo(high! - mean, 12);
  });

  test('of one value is the value alone', () => {
    expect(meanInterval([91.2])).toEqual({ mean: 91.2, n: 1 });
  });

  test('of equal values has no width', () => {
    expect(meanInterval([7, 7, 7])).toEqual({ mean: 7, low: 7, high: 7, n: 3 });
  });

  test('says so where a value is not a number', () => {
    expect(meanInterval([1, Number.NaN]).mean).toBeNaN();
  });

  test('of no values does not exist', () => {
    expect(() => meanInterval([])).toThrow(RangeError);
  });
});
