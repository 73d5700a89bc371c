import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { golden } from '../test/golden.ts';
import { bitsForLevels, dequantizationTable, quantizeLinear } from './quantizer.ts';

const roundTrip = (values: Float32Array, levels: number): Float32Array => {
  const { codes, lo, hi } = quantizeLinear(values, levels, 'test');
  const table = dequantizationTable(levels, lo, hi);
  return Float32Array.from(codes, (code) => table[code]!);
};

describe('the linear quantizer', () => {
  const cases = golden.quantization.cases.filter(({ method }) => method === 'linear');

  it.each(cases)("equals the paper's code bit for bit at $levels levels", ({ levels, min, max, out }) => {
    const input = Float32Array.from(golden.quantization.input);
    expect(quantizeLinear(input, levels, 'test')).toMatchObject({ lo: min, hi: max });
    expect(roundTrip(input, levels)).toEqual(Float32Array.from(out));
  });

  it('rounds ties to even', () => {
    expect([...quantizeLinear(Float32Array.of(0, 0.5, 1.5, 2.5, 3), 4, 'test').codes]).toEqual([
      0, 0, 2, 2, 3,
    ]);
  });

  it('keeps constants exactly, whatever the levels', () => {
    expect(roundTrip(Float32Array.of(0.1, 0.1, 0.1), 4)).toEqual(Float32Array.of(0.1, 0.1, 0.1));
    expect(roundTrip(new Float32Array(0), 16)).toEqual(new Float32Array(0));
  });

  it('errs by at most half a step and never leaves the range by more than rounding', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ min: -10, max: 10, noNaN: true }), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 2, max: 256 }),
        (list, levels) => {
          const values = Float32Array.from(list);
          const { codes, lo, hi } = quantizeLinear(values, levels, 'test');
          const halfStep = (hi - lo) / (levels - 1) / 2;
          const restored = roundTrip(values, levels);
          expect(Math.max(...codes)).toBeLessThan(levels);
          for (const [i, value] of values.entries()) {
            expect(Math.abs(restored[i]! - value)).toBeLessThanOrEqual(halfStep + 1e-6 * (hi - lo) + 1e-6);
          }
        },
      ),
    );
  });

  it('refuses a range that float32 cannot hold, naming the tensor', () => {
    expect(() => quantizeLinear(Float32Array.of(-3e38, 3e38), 16, '"w"')).toThrow(
      expect.objectContaining({ code: 'RWS_OUT_OF_RANGE', message: expect.stringContaining('"w"') }),
    );
  });

  it('counts bits as the codes need them', () => {
    expect([2, 3, 4, 5, 15, 16, 17, 256].map(bitsForLevels)).toEqual([1, 2, 2, 3, 4, 4, 5, 8]);
  });
});
