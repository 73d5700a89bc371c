import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { atanh, exp2 } from './elementary.ts';

describe('elementary functions', () => {
  it('2^x agrees with the engine, and is exact for whole numbers', () => {
    fc.assert(
      fc.property(fc.double({ min: -149, max: 128, noNaN: true }), (x) => {
        expect(Math.abs(exp2(x) / 2 ** x - 1)).toBeLessThan(1e-14);
      }),
    );
    for (let n = -149; n <= 127; n++) expect(exp2(n)).toBe(2 ** n);
  });

  it('atanh agrees with the engine up to the last float32 below 1', () => {
    fc.assert(
      fc.property(fc.double({ min: -1 + 2 ** -24, max: 1 - 2 ** -24, noNaN: true }), (x) => {
        const expected = Math.atanh(x);
        expect(Math.abs(atanh(x) - expected)).toBeLessThanOrEqual(1e-12 * Math.abs(expected));
      }),
    );
    expect(Object.is(atanh(-0), -0)).toBe(true);
  });
});
