import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRans, encodeRans } from './rans.ts';

const stream = fc
  .record({ symbols: fc.integer({ min: 1, max: 256 }), skew: fc.integer({ min: 1, max: 6 }) })
  .chain(({ symbols, skew }) =>
    fc.record({
      symbols: fc.constant(symbols),
      codes: fc
        .array(fc.double({ min: 0, max: 0.999999, noNaN: true }), { minLength: 1, maxLength: 300 })
        .map((values) => Uint8Array.from(values, (x) => x ** skew * symbols)),
    }),
  );

/** Codes of a normal distribution, the sum of twelve uniform draws, on 16 levels. */
function bellCurve(count: number): Uint8Array {
  let seed = 1;
  return Uint8Array.from({ length: count }, () => {
    let sum = -6;
    for (let i = 0; i < 12; i++) {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      sum += seed / 2 ** 32;
    }
    return Math.min(15, Math.max(0, Math.round(2 * sum + 7.5)));
  });
}

const entropy = (codes: Uint8Array): number => {
  const counts = new Map<number, number>();
  for (const code of codes) counts.set(code, (counts.get(code) ?? 0) + 1);
  return [...counts.values()].reduce((sum, n) => sum - n * Math.log2(n / codes.length), 0) / 8;
};

describe('rANS', () => {
  it('gives every stream back, whatever its alphabet', () => {
    fc.assert(
      fc.property(stream, ({ symbols, codes }) => {
        expect(decodeRans(encodeRans(codes, symbols), symbols, codes.length)).toEqual(codes);
      }),
      { numRuns: 300 },
    );
  });

  it('takes hardly more than the entropy of the codes, and next to nothing for a constant', () => {
    const codes = bellCurve(100_000);
    expect(encodeRans(codes, 16).length).toBeLessThan(entropy(codes) * 1.001 + 36);
    expect(encodeRans(codes, 16).length).toBeGreaterThan(entropy(codes));
    expect(encodeRans(new Uint8Array(100_000), 16).length).toBe(12);
  });

  it('handles more rare codes than the most frequent one can make room for', () => {
    const codes = Uint8Array.from({ length: 100_000 }, (_, i) => (i < 255 ? i : i % 2 === 0 ? 0 : 255));
    expect(decodeRans(encodeRans(codes, 256), 256, codes.length)).toEqual(codes);
  });

  it('gives other codes or none when a byte is changed', () => {
    fc.assert(
      fc.property(stream, fc.nat(), fc.integer({ min: 1, max: 255 }), ({ symbols, codes }, at, flip) => {
        const bytes = encodeRans(codes, symbols);
        const damaged = bytes.map((byte, i) => (i === at % bytes.length ? byte ^ flip : byte));
        expect(decodeRans(damaged, symbols, codes.length)).not.toEqual(codes);
      }),
      { numRuns: 1000 },
    );
  });

  it('refuses streams that are cut, too long, or not of so many codes', () => {
    const codes = bellCurve(200);
    const bytes = encodeRans(codes, 16);
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeRans(bytes.subarray(0, length), 16, 200)).toBeUndefined();
    }
    expect(decodeRans(Uint8Array.of(...bytes, 0), 16, 200)).toBeUndefined();
    expect(decodeRans(bytes, 16, 199)).toBeUndefined();
    expect(decodeRans(bytes, 16, 201)).toBeUndefined();
  });
});
