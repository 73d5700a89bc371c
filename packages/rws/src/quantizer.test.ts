import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { golden } from '../test/golden.ts';
import {
  bitsForLevels,
  type CodingQuantizer,
  codeCount,
  dequantizationTable,
  quantize,
} from './quantizer.ts';

const roundTrip = (values: Float32Array, quantizer: CodingQuantizer): Float32Array => {
  const quantized = quantize(values, quantizer, 'test');
  const table = dequantizationTable(quantizer, quantized);
  return Float32Array.from(quantized.codes, (code) => table[code]!);
};
const input = Float32Array.from(golden.quantization.input);
const list = fc
  .array(fc.float({ min: -8, max: 8, noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 40 })
  .map((values) => Float32Array.from(values));
const levels = fc.integer({ min: 2, max: 256 });

describe('the linear quantizer', () => {
  const cases = golden.quantization.cases.filter(({ method }) => method === 'linear');

  it.each(cases)("equals the paper's code bit for bit at $levels levels", ({ levels, min, max, out }) => {
    const quantizer = { scheme: 'linear', levels } as const;
    expect(quantize(input, quantizer, 'test')).toMatchObject({ lo: min, hi: max });
    expect(roundTrip(input, quantizer)).toEqual(Float32Array.from(out));
  });

  it('rounds ties to even', () => {
    const { codes } = quantize(Float32Array.of(0, 0.5, 1.5, 2.5, 3), { scheme: 'linear', levels: 4 }, 'test');
    expect([...codes]).toEqual([0, 0, 2, 2, 3]);
  });

  it('keeps constants exactly, whatever the levels', () => {
    const constant = Float32Array.of(0.1, 0.1, 0.1);
    expect(roundTrip(constant, { scheme: 'linear', levels: 4 })).toEqual(constant);
    expect(roundTrip(new Float32Array(0), { scheme: 'linear', levels: 16 })).toEqual(new Float32Array(0));
  });

  it('errs by at most half a step and never leaves the range by more than rounding', () => {
    fc.assert(
      fc.property(list, levels, (values, levels) => {
        const quantizer = { scheme: 'linear', levels } as const;
        const { codes, lo, hi } = quantize(values, quantizer, 'test');
        const halfStep = (hi - lo) / (levels - 1) / 2;
        const restored = roundTrip(values, quantizer);
        expect(Math.max(...codes)).toBeLessThan(levels);
        for (const [i, value] of values.entries()) {
          expect(Math.abs(restored[i]! - value)).toBeLessThanOrEqual(halfStep + 1e-6 * (hi - lo) + 1e-6);
        }
      }),
    );
  });

  it('refuses a range that float32 cannot hold, naming the tensor', () => {
    expect(() => quantize(Float32Array.of(-3e38, 3e38), { scheme: 'linear', levels: 16 }, '"w"')).toThrow(
      expect.objectContaining({ code: 'RWS_OUT_OF_RANGE', message: expect.stringContaining('"w"') }),
    );
  });
});

describe('the log and tanh quantizers', () => {
  const cases = golden.quantization.cases.filter(({ method }) => method !== 'linear');

  it.each(cases)("equal the paper's code at $levels levels, $method", ({ method, levels, min, max, out }) => {
    const quantizer = { scheme: method as 'log' | 'tanh', levels };
    const { lo, hi } = quantize(input, quantizer, 'test');
    expect(lo).toBeCloseTo(min, 6);
    expect(hi).toBeCloseTo(max, 6);
    for (const [i, value] of roundTrip(input, quantizer).entries()) {
      expect(Math.abs(value - out[i]!)).toBeLessThanOrEqual(1e-5 * Math.abs(out[i]!) + 1e-8);
    }
  });

  it('log keeps every sign and every zero, and errs by half a step of the logarithm', () => {
    fc.assert(
      fc.property(list, fc.integer({ min: 3, max: 256 }), (values, levels) => {
        const quantizer = { scheme: 'log', levels } as const;
        const { codes, lo, hi, zero } = quantize(values, quantizer, 'test');
        const magnitudes = (levels - Number(zero)) >> 1;
        const step = magnitudes > 1 ? (hi - lo) / (magnitudes - 1) : Number.POSITIVE_INFINITY;
        expect(zero).toBe(values.includes(0));
        expect(Math.max(...codes)).toBeLessThan(codeCount(quantizer, zero));
        expect(codeCount(quantizer, zero)).toBeLessThanOrEqual(levels);
        for (const [i, x] of roundTrip(values, quantizer).entries()) {
          expect(Math.sign(x)).toBe(Math.sign(values[i]!) || 0);
          if (x === 0 || Math.abs(values[i]!) < 1e-37) continue;
          expect(Math.abs(Math.log2(x / values[i]!))).toBeLessThanOrEqual(step / 2 + 1e-4);
        }
      }),
    );
  });

  it('log with one magnitude keeps signs and the geometric mean', () => {
    expect([...roundTrip(Float32Array.of(1, -4, 2), { scheme: 'log', levels: 2 })]).toEqual([2, -2, 2]);
    expect(() => quantize(Float32Array.of(1, 0), { scheme: 'log', levels: 2 }, '"w"')).toThrow(
      expect.objectContaining({ code: 'RWS_OPTION_INVALID' }),
    );
  });

  it('tanh errs by at most half a step of the tangent, and refuses what float32 makes 1', () => {
    fc.assert(
      fc.property(list, levels, (values, levels) => {
        const quantizer = { scheme: 'tanh', levels } as const;
        const { lo, hi } = quantize(values, quantizer, 'test');
        const halfStep = (hi - lo) / (levels - 1) / 2;
        for (const [i, x] of roundTrip(values, quantizer).entries()) {
          expect(Math.abs(Math.tanh(x) - Math.tanh(values[i]!))).toBeLessThanOrEqual(halfStep + 1e-6);
        }
      }),
    );
    expect(() => quantize(Float32Array.of(0, 10), { scheme: 'tanh', levels: 16 }, '"w"')).toThrow(
      expect.objectContaining({ code: 'RWS_OUT_OF_RANGE' }),
    );
  });
});

describe('the sign quantizer', () => {
  it("has BitDelta's scale and signs", () => {
    const { scale, sign, key } = golden.bitdelta;
    const values = Float32Array.from(golden.rws_k4[0]![key]!);
    const { codes, hi } = quantize(values, { scheme: 'sign' }, 'test');
    expect(hi).toBeCloseTo(scale, 8);
    expect([...codes]).toEqual(sign.map((s) => (s < 0 ? 0 : 1)));
    expect(new Set(roundTrip(values, { scheme: 'sign' }))).toEqual(new Set([hi, -hi]));
  });

  it('has the scale with the least squared error', () => {
    fc.assert(
      fc.property(list, fc.double({ min: 0.5, max: 1.5, noNaN: true }), (values, factor) => {
        const { codes, hi } = quantize(values, { scheme: 'sign' }, 'test');
        const error = (s: number) =>
          values.reduce((sum, x, i) => sum + (x - (codes[i] === 1 ? s : -s)) ** 2, 0);
        expect(error(hi)).toBeLessThanOrEqual(error(hi * factor) * (1 + 1e-6) + 1e-12);
      }),
    );
  });
});

it('bits are counted as the codes need them', () => {
  expect([2, 3, 4, 5, 15, 16, 17, 256].map(bitsForLevels)).toEqual([1, 2, 2, 3, 4, 4, 5, 8]);
});
