import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../test/code-of.ts';
import { DTYPES } from './dtype.ts';
import { decodeFloat16, encodeBfloat16, encodeFloat16 } from './half.ts';
import type { TensorData } from './state.ts';
import { tensorData, toFloat32, toFloat64 } from './tensor.ts';

describe('float16', () => {
  it('gives every one of the 65,536 bit patterns back, NaNs as a quiet NaN', () => {
    for (let bits = 0; bits < 65536; bits++) {
      const value = decodeFloat16(bits);
      if (Number.isNaN(value)) expect(encodeFloat16(value)).toBe(0x7e00);
      else if (encodeFloat16(value) !== bits) expect(encodeFloat16(value), `${bits}`).toBe(bits);
    }
  });

  it('rounds halfway cases to even, and every other value to the nearer neighbour', () => {
    for (let bits = 0; bits < 0x7bff; bits++) {
      const low = decodeFloat16(bits);
      const high = decodeFloat16(bits + 1);
      const middle = (low + high) / 2;
      const even = bits % 2 === 0 ? bits : bits + 1;
      const got = [middle, middle * (1 - 2 ** -40), middle * (1 + 2 ** -40)].map(encodeFloat16);
      if (`${got}` !== `${[even, bits, bits + 1]}`) expect(got, `${low}`).toEqual([even, bits, bits + 1]);
    }
  });

  it('knows its limits: 65504, infinity from 65520 on, 2^-24, zero with its sign', () => {
    expect([65504, 65519.99, 65520, 1e300, Number.POSITIVE_INFINITY].map(encodeFloat16)).toEqual([
      0x7bff, 0x7bff, 0x7c00, 0x7c00, 0x7c00,
    ]);
    expect([2 ** -24, 2 ** -25, 2 ** -25 * 1.001, 5e-324, 0, -0].map(encodeFloat16)).toEqual([
      1, 0, 1, 0, 0, 0x8000,
    ]);
    expect(encodeFloat16(Number.NEGATIVE_INFINITY)).toBe(0xfc00);
  });
});

describe('bfloat16', () => {
  it('is the upper half of a float32, rounded to nearest, ties to even', () => {
    const float = new Float32Array(1);
    const word = new Uint32Array(float.buffer);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (bits) => {
        word[0] = bits;
        const value = float[0]!;
        fc.pre(!Number.isNaN(value));
        const upper = bits >>> 16;
        const rest = bits & 0xffff;
        const up = rest > 0x8000 || (rest === 0x8000 && upper % 2 === 1) ? 1 : 0;
        expect(encodeBfloat16(value)).toBe(upper + up);
      }),
      { numRuns: 2000, seed: 7 },
    );
    expect(encodeBfloat16(Number.NaN)).toBe(0x7fc0);
    expect([2 ** -133, 2 ** -134, 2 ** -134 * 1.01].map(encodeBfloat16)).toEqual([1, 0, 1]);
  });
});

describe('tensorData', () => {
  const roundTrip = (tensor: TensorData) => Array.from(toFloat64(tensor));

  it('lays values out little-endian, as a file holds them', () => {
    expect(Array.from(tensorData('F32', [1], [1]).bytes)).toEqual([0, 0, 0x80, 0x3f]);
    expect(Array.from(tensorData('F16', [2], [1, -2]).bytes)).toEqual([0, 0x3c, 0, 0xc0]);
    expect(Array.from(tensorData('BF16', [], [1]).bytes)).toEqual([0x80, 0x3f]);
    expect(Array.from(tensorData('I64', [1], [-2n]).bytes)).toEqual([254, 255, 255, 255, 255, 255, 255, 255]);
    expect(Array.from(tensorData('I16', [1], [258]).bytes)).toEqual([2, 1]);
    expect(Array.from(tensorData('BOOL', [3], [true, false, 1]).bytes)).toEqual([1, 0, 1]);
  });

  it('gives values back in every dtype', () => {
    for (const dtype of DTYPES) expect(roundTrip(tensorData(dtype, [2, 1], [0, 1])), dtype).toEqual([0, 1]);
    expect(roundTrip(tensorData('I64', [2], [2n ** 53n - 1n, -5]))).toEqual([2 ** 53 - 1, -5]);
    expect(roundTrip(tensorData('F64', [1], [Math.PI]))).toEqual([Math.PI]);
    expect(roundTrip(tensorData('F32', [2], [Number.NaN, Number.POSITIVE_INFINITY]))).toEqual([
      Number.NaN,
      Number.POSITIVE_INFINITY,
    ]);
    expect(roundTrip(tensorData('I8', [1], new Int8Array([-128])))).toEqual([-128]);
  });

  it('copies: neither side sees later changes of the other', () => {
    const values = new Float32Array([1, 2]);
    const shape = [2];
    const tensor = tensorData('F32', shape, values.subarray(0, 2));
    values[0] = 9;
    shape[0] = 7;
    toFloat32(tensor)[1] = 9;
    expect(tensor.shape).toEqual([2]);
    expect(roundTrip(tensor)).toEqual([1, 2]);
  });

  it('reads tensors that lie unaligned in a file', () => {
    const bytes = new Uint8Array(9);
    bytes.set(tensorData('F64', [1], [0.1]).bytes, 1);
    expect(roundTrip({ dtype: 'F64', shape: [1], bytes: bytes.subarray(1) })).toEqual([0.1]);
  });

  it('refuses values the dtype cannot hold, among them those that would become infinite', () => {
    const bad: [TensorData['dtype'], number | bigint | boolean][] = [
      ['U8', 256],
      ['U8', -1],
      ['I8', 128],
      ['I16', 1.5],
      ['I32', 2 ** 31],
      ['I32', Number.NaN],
      ['I64', 2 ** 53],
      ['I64', 2n ** 63n],
      ['I64', 0.5],
      ['BOOL', 2],
      ['F16', 65520],
      ['F32', 3.5e38],
      ['BF16', -3.4e38],
      ['F32', 1n],
      ['F32', true],
    ];
    for (const [dtype, value] of bad) {
      expect(
        codeOf(() => tensorData(dtype, [1], [value])),
        `${dtype} ${value}`,
      ).toBe('TIO_BAD_VALUE');
    }
    expect(() => tensorData('U8', [2], [1, 300])).toThrow('U8 cannot hold 300 (element 1)');
    expect(tensorData('F32', [1], [3.4028235e38]).bytes).toEqual(new Uint8Array([255, 255, 127, 127]));
  });

  it('refuses shapes that are none or do not match', () => {
    expect(codeOf(() => tensorData('F32', [2], [1]))).toBe('TIO_SIZE_MISMATCH');
    expect(codeOf(() => tensorData('F32', [-1], []))).toBe('TIO_BAD_SHAPE');
    expect(codeOf(() => tensorData('F32', [1.5], []))).toBe('TIO_BAD_SHAPE');
    expect(codeOf(() => tensorData('U8', [2 ** 30, 2 ** 30], []))).toBe('TIO_OVERFLOW');
    expect(codeOf(() => tensorData('F64', [2 ** 51], []))).toBe('TIO_OVERFLOW');
  });

  it('refuses to read a tensor whose bytes do not match its shape, and values that would be lost', () => {
    expect(codeOf(() => toFloat32({ dtype: 'F32', shape: [2], bytes: new Uint8Array(4) }))).toBe(
      'TIO_SIZE_MISMATCH',
    );
    expect(codeOf(() => toFloat32(tensorData('F64', [1], [1e39])))).toBe('TIO_BAD_VALUE');
    expect(codeOf(() => toFloat64(tensorData('I64', [1], [2n ** 53n])))).toBe('TIO_BAD_VALUE');
    expect(Array.from(toFloat32(tensorData('I32', [2], [2 ** 24 + 1, -1])))).toEqual([2 ** 24, -1]);
    expect(
      Array.from(toFloat32(tensorData('F64', [3], [Number.NaN, Number.NEGATIVE_INFINITY, 0.1]))),
    ).toEqual([Number.NaN, Number.NEGATIVE_INFINITY, Math.fround(0.1)]);
  });
});
