import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../test/code-of.ts';
import { packBits, unpackBits } from './bits.ts';

describe('packBits and unpackBits', () => {
  it('put the first code into the lowest bits of the first byte', () => {
    expect(Array.from(packBits(new Uint8Array([1, 2, 3, 0, 1]), 2))).toEqual([0b00_11_10_01, 0b01]);
    expect(Array.from(packBits(new Uint8Array([7, 1, 5]), 3))).toEqual([0b01_001_111, 0b1]);
    expect(Array.from(packBits(new Uint8Array([255, 3]), 8))).toEqual([255, 3]);
    expect(packBits(new Uint8Array(), 5)).toHaveLength(0);
  });

  it('give every code back, for 1 to 8 bits and any count', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.uint8Array({ maxLength: 70 }), (bits, bytes) => {
        const codes = bytes.map((byte) => byte & ((1 << bits) - 1));
        const packed = packBits(codes, bits);
        expect(packed).toHaveLength(Math.ceil((codes.length * bits) / 8));
        expect(unpackBits(packed, bits, codes.length)).toEqual(codes);
      }),
      { seed: 7 },
    );
  });

  it('refuse bits outside 1 to 8, codes that do not fit, wrong lengths and set padding', () => {
    for (const bits of [0, 9, 64, 2.5, Number.NaN]) {
      expect(codeOf(() => packBits(new Uint8Array(1), bits))).toBe('TIO_BAD_BITS');
      expect(codeOf(() => unpackBits(new Uint8Array(1), bits, 1))).toBe('TIO_BAD_BITS');
    }
    expect(codeOf(() => packBits(new Uint8Array([8]), 3))).toBe('TIO_BAD_VALUE');
    for (const count of [0, 3, 5, 1e15, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(
        codeOf(() => unpackBits(new Uint8Array([0, 0]), 8, count)),
        `${count}`,
      ).toBe('TIO_SIZE_MISMATCH');
    }
    expect(codeOf(() => unpackBits(new Uint8Array([0b1000]), 3, 1))).toBe('TIO_BAD_VALUE');
  });
});
