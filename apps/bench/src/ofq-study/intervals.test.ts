import { describe, expect, it } from 'vitest';
import { pairedDifference, wilson } from './intervals.ts';

describe('intervals over images', () => {
  it('of a share are Wilson’s: the textbook’s 81 of 263, and inside 0 and 100 % at the ends', () => {
    const { mean, low, high } = wilson(81, 263);
    expect(mean).toBeCloseTo(30.798, 3);
    expect(low).toBeCloseTo(25.529, 2);
    expect(high).toBeCloseTo(36.62, 2);
    expect(wilson(0, 20).low).toBeCloseTo(0, 10);
    expect(wilson(0, 20).high).toBeGreaterThan(10);
    expect(wilson(20, 20).high).toBeCloseTo(100, 10);
    expect(() => wilson(0, 0)).toThrow(RangeError);
  });

  it('of a difference count pairs: who is right on the same images does not move it', () => {
    const both = Array.from({ length: 400 }, (_, i) => i < 300);
    const better = both.map((right, i) => right || i < 310);
    const { mean, low, high } = pairedDifference(better, both);
    expect(mean).toBeCloseTo(2.5, 10);
    // 10 of 400 differ, all one way: deviation sqrt(.025 - .025²), over sqrt(400), times 1.96.
    expect(high - mean).toBeCloseTo(100 * 1.959964 * Math.sqrt((0.025 - 0.025 ** 2) / 400), 6);
    expect(mean - low).toBeCloseTo(high - mean, 10);
    expect(pairedDifference(both, both)).toEqual({ mean: 0, low: 0, high: 0, n: 400 });
    expect(() => pairedDifference(both, [])).toThrow(RangeError);
  });
});
