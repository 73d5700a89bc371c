import { expect, it } from 'vitest';
import { geometricMean, spread } from './statistics.ts';

it('gives the median and the quartiles between which half of a sample lies, in whatever order it comes', () => {
  expect(spread([5, 1, 4, 2, 3])).toEqual({ median: 3, q1: 2, q3: 4 });
  expect(spread([4, 1, 3, 2])).toEqual({ median: 2.5, q1: 1.75, q3: 3.25 });
  expect(spread([7])).toEqual({ median: 7, q1: 7, q3: 7 });
});

it('takes the geometric mean, so that twice as fast and half as fast cancel', () => {
  expect(geometricMean([2, 0.5])).toBeCloseTo(1, 12);
  expect(geometricMean([2, 4, 8])).toBeCloseTo(4, 12);
});
