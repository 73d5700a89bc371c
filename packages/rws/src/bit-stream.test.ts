import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BitReader, BitWriter } from './bit-stream.ts';
import { readSparse, writeSparse } from './sparse-code.ts';

const word = fc.oneof(
  fc.constantFrom(0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1),
  fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  fc.integer({ min: 0, max: 5 }),
);

describe('a stream of bits', () => {
  it('gives back every integer at every order, and knows its end', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(word, fc.integer({ min: 0, max: 31 }))), (codes) => {
        const writer = new BitWriter();
        for (const [value, order] of codes) writer.writeGolomb(value, order);
        const bytes = writer.finish();
        const reader = new BitReader(bytes);
        for (const [value, order] of codes) expect(reader.readGolomb(order)).toBe(value);
        expect(reader.finished).toBe(true);
        expect(new BitReader(new Uint8Array([...bytes, 0])).finished).toBe(false);
      }),
    );
  });

  it('of order 0 has ones, a zero and the low bits of value + 1', () => {
    const writer = new BitWriter();
    for (const value of [0, 1, 2, 3]) writer.writeGolomb(value, 0);
    // 0, 100, 101, 11000, the first bit of each being the lowest
    expect([...writer.finish()]).toEqual([0b11010010, 0b00000001]);
  });

  it('is refused where a code is longer than that of any 32-bit integer', () => {
    expect(new BitReader(new Uint8Array(64).fill(255)).readGolomb(0)).toBeUndefined();
  });
});

describe('the code of words most of which are 0', () => {
  const words = fc.array(fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, word), { maxLength: 60 });

  it('gives them back, several after each other', () => {
    fc.assert(
      fc.property(fc.array(words, { maxLength: 4 }), (parts) => {
        const writer = new BitWriter();
        for (const part of parts) writeSparse(writer, Uint32Array.from(part));
        const reader = new BitReader(writer.finish());
        for (const part of parts) {
          const read = new Uint32Array(part.length);
          expect(readSparse(reader, read)).toBe(true);
          expect([...read]).toEqual(part);
        }
        expect(reader.finished).toBe(true);
      }),
    );
  });

  it('never fails on bytes that are none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 0, max: 30 }), (bytes, length) => {
        const reader = new BitReader(bytes);
        const read = new Uint32Array(length);
        if (!readSparse(reader, read) || !reader.finished) return;
        const writer = new BitWriter();
        writeSparse(writer, read);
        const again = new Uint32Array(length);
        expect(readSparse(new BitReader(writer.finish()), again)).toBe(true);
        expect(again).toEqual(read);
      }),
    );
  });
});
