import { type Tensor, tensor, tensor1d, tensor2d, tensor3d, tensor4d, tidy } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeOnBackends } from '../test/backends.ts';
import type { Bits } from './bits.ts';
import { codes, dequantize, positions, statsqScale } from './codes.ts';
import { imageIsSigned, initialStep } from './initial-step.ts';
import { levelsOf, sizeOf } from './layout.ts';
import { quantize } from './quantize.ts';
import {
  lsqColumns,
  lsqConvolution,
  lsqFeatures,
  lsqImage,
  lsqPlusRows,
  lsqProbabilities,
  lsqQueriesKeys,
  lsqRows,
  lsqTensor,
  lsqTokens,
  lsqValues,
  type Quantizer,
  statsq2d,
  statsq3d,
  statsq4d,
} from './quantizers.ts';

/** Every quantizer, with a shape for it and its number of scales. */
const kinds: readonly [string, (bits: Bits) => Quantizer, number[], number][] = [
  ['statsq2d', statsq2d, [3, 5], 3],
  ['statsq3d', statsq3d, [2, 3, 5], 3],
  ['statsq4d', statsq4d, [2, 2, 3, 5], 3],
  ['lsqRows', lsqRows, [3, 5], 3],
  ['lsqPlusRows', lsqPlusRows, [3, 5], 3],
  ['lsqTensor', lsqTensor, [3, 5], 1],
  ['lsqConvolution', lsqConvolution, [3, 2, 2, 2], 3],
  ['lsqTokens, signed', lsqTokens, [2, 3, 5], 3],
  ['lsqTokens, unsigned', (bits) => lsqTokens(bits, false), [2, 3, 5], 3],
  ['lsqValues', lsqValues, [2, 3, 5], 5],
  ['lsqProbabilities', lsqProbabilities, [2, 2, 3, 3], 3],
  ['lsqQueriesKeys', lsqQueriesKeys, [2, 2, 3, 5], 3],
  ['lsqColumns', lsqColumns, [2, 4, 3, 5], 3],
  ['lsqImage, signed', (bits) => lsqImage(bits, true), [2, 3, 4, 4], 3],
  ['lsqImage, unsigned', (bits) => lsqImage(bits, false), [2, 3, 4, 4], 3],
  ['lsqFeatures', lsqFeatures, [3, 5], 1],
];

const bits = fc.constantFrom<Bits>(2, 3, 4, 8);
const float = fc.float({ min: -8, max: 8, noNaN: true });
const scale = fc.float({ min: Math.fround(1e-3), max: 4, noNaN: true });
const values = (tensor: Tensor): number[] => Array.from(tensor.dataSync(), (value) => value + 0);
const runs = { numRuns: 40 };

describeOnBackends('every quantizer', () => {
  describe.each(kinds)('%s', (_, of, shape, groups) => {
    const drawn = fc.record({
      bits,
      x: fc.array(float, { minLength: sizeOf(shape), maxLength: sizeOf(shape) }),
      s: fc.array(scale, { minLength: groups, maxLength: groups }),
    });
    const forAll = (claim: (quantizer: Quantizer, x: Tensor, s: Tensor) => void): void =>
      fc.assert(
        fc.property(drawn, ({ bits, x, s }) => tidy(() => claim(of(bits), tensor(x, shape), tensor1d(s)))),
        runs,
      );

    it('gives codes within its levels, and values that are levels', () => {
      forAll((quantizer, x, s) => {
        const { low, high } = levelsOf(quantizer);
        expect(high - low + 1).toBe(2 ** quantizer.bits);
        const integers = codes(quantizer, x, s);
        expect(integers.dtype).toBe('int32');
        for (const code of integers.dataSync()) expect(code >= low && code <= high).toBe(true);
        const dequantized = dequantize(quantizer, integers, s);
        if (quantizer.method === 'lsq') {
          expect(values(quantize(quantizer, x, s))).toEqual(values(dequantized));
          return;
        }
        // StatsQ's own scale, which a kernel may sum in another order: codes differ at most where an element lies at a threshold.
        const own = statsqScale(quantizer, x);
        const expected = values(dequantize(quantizer, codes(quantizer, x, own), own));
        const at = values(positions(quantizer, x, own));
        for (const [i, value] of values(quantize(quantizer, x)).entries()) {
          if (Math.abs(at[i]! - Math.floor(at[i]!) - 0.5) > 1e-3) expect(value).toBeCloseTo(expected[i]!, 5);
        }
      });
    });

    it('leaves its own levels as they are, with the scale they have', () => {
      forAll((quantizer, x, s) => {
        const integers = codes(quantizer, x, s);
        const again = codes(quantizer, dequantize(quantizer, integers, s), s);
        expect(values(again)).toEqual(values(integers));
      });
    });

    it('never gives a larger element a smaller code', () => {
      forAll((quantizer, x, s) => {
        const up = tidy(() =>
          tensor(
            values(x).map((value) => Math.fround(value + Math.abs(value) / 3)),
            shape,
          ),
        );
        const [smaller, larger] = [values(codes(quantizer, x, s)), values(codes(quantizer, up, s))];
        expect(smaller.every((code, i) => code <= larger[i]!)).toBe(true);
      });
    });

    it('refuses NaN and infinity, of elements and scales, saying where', () => {
      const good = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
      fc.assert(
        fc.property(good, fc.nat(sizeOf(shape) - 1), fc.nat(groups - 1), (bad, at, group) => {
          const spoilt = (size: number, at: number): number[] =>
            Array.from({ length: size }, (_, i) => (i === at ? bad : 1));
          const x = tensor(spoilt(sizeOf(shape), at), shape);
          const s = tensor1d(spoilt(groups, group));
          const fine = tensor(spoilt(sizeOf(shape), -1), shape);
          const refusal = expect.objectContaining({
            code: 'QS_NON_FINITE',
            message: expect.stringContaining(
              `1 of ${sizeOf(shape)} elements that are not finite, the first at index ${at}: ${bad}`,
            ),
          });
          const quantizer = of(2);
          expect(() => codes(quantizer, x, tensor1d(spoilt(groups, -1)))).toThrow(refusal);
          expect(() => codes(quantizer, fine, s)).toThrow(expect.objectContaining({ code: 'QS_NON_FINITE' }));
          if (quantizer.method === 'lsq') expect(() => initialStep(quantizer, x)).toThrow(refusal);
          else expect(() => statsqScale(quantizer, x)).toThrow(refusal);
        }),
        { numRuns: 10 },
      );
    });

    it('refuses other shapes, other numbers of scales, and codes that are none', () => {
      const quantizer = of(2);
      const [x, s] = [
        tensor(new Float32Array(sizeOf(shape)), shape),
        tensor1d(new Float32Array(groups).fill(1)),
      ];
      const mismatch = expect.objectContaining({ code: 'QS_SHAPE_MISMATCH' });
      expect(() => codes(quantizer, tensor(values(x)), s)).toThrow(mismatch);
      expect(() => codes(quantizer, x, tensor1d([1, 1, 1, 1]))).toThrow(mismatch);
      expect(() => dequantize(quantizer, tensor(values(x).fill(9), shape, 'int32'), s)).toThrow(
        expect.objectContaining({ code: 'QS_ARGUMENT_INVALID' }),
      );
    });
  });

  it('rounds ties to the even code', () => {
    fc.assert(
      fc.property(bits, fc.integer({ min: -9, max: 8 }), (bits, below) => {
        // Exactly halfway between two codes; the scale is a power of two.
        const even = below % 2 === 0 ? below : below + 1;
        for (const quantizer of [statsq2d(bits), lsqRows(bits)]) {
          const { low, high } = levelsOf(quantizer);
          const position = below + 0.5;
          const x = quantizer.method === 'statsq' ? (2 * (position + 0.5)) / 2 ** (bits - 1) : 2 * position;
          const [w, s] = [tensor2d([[x]]), tensor1d([2])];
          expect(values(positions(quantizer, w, s))).toEqual([position]);
          expect(values(codes(quantizer, w, s))).toEqual([Math.min(Math.max(even, low), high) + 0]);
        }
      }),
      runs,
    );
  });

  it('moves elements by the offsets around it', () => {
    const x = tensor3d([0, 0.4, -0.4, 1], [1, 2, 2]);
    const [before, after, step] = [tensor1d([0.2, 0]), tensor1d([0, 10]), tensor1d([0.5, 0.5])];
    const integers = codes(lsqTokens(2), x, step, before);
    expect(values(integers)).toEqual([0, 1, 0, 1]);
    expect(values(dequantize(lsqTokens(2), integers, step, after))).toEqual([0, 10.5, 0, 10.5]);
    expect(values(quantize(lsqTokens(2), x, step, { before, after }))).toEqual([0, 10.5, 0, 10.5]);
    expect(() => codes(lsqTokens(2), x, step, tensor1d([1, 2, 3]))).toThrow(
      expect.objectContaining({ code: 'QS_SHAPE_MISMATCH' }),
    );
    expect(() => codes(lsqTokens(2), x, step, tensor1d([1, Number.NaN]))).toThrow('the offset before');
  });
});

describeOnBackends('the edges', () => {
  it('StatsQ leaves a row of zeros zero, with code 0', () => {
    const w = tensor2d([
      [0, 0],
      [1, -1],
    ]);
    const scale = statsqScale(statsq2d(2), w);
    expect(values(scale)).toEqual([0, 2]);
    expect(values(codes(statsq2d(2), w, scale))).toEqual([0, 0, 0, -2]);
    expect(values(quantize(statsq2d(2), w))).toEqual([0, 0, 0.5, -1.5]);
    expect(values(dequantize(statsq2d(2), codes(statsq2d(2), w, scale), scale))).toEqual(
      values(quantize(statsq2d(2), w)),
    );
  });

  it('LSQ counts steps below 1e-5 as 1e-5, in values and in codes', () => {
    const x = tensor2d([[1.2e-5], [1.2e-5], [1.2e-5]]);
    const step = tensor1d([0, -3, 1e-6]);
    expect(values(codes(lsqRows(2), x, step))).toEqual([1, 1, 1]);
    const floor = Math.fround(1e-5);
    expect(values(quantize(lsqRows(2), x, step))).toEqual([floor, floor, floor]);
    expect(values(dequantize(lsqRows(2), codes(lsqRows(2), x, step), step))).toEqual([floor, floor, floor]);
  });

  it('LSQ of a channel of zeros starts with a step that can be learned', () => {
    expect(values(initialStep(lsqValues(2), tensor3d([0, 1, 0, 3], [1, 2, 2])))).toEqual([0, 4]);
  });

  it('LSQ+ starts with the spread of a row, over the levels on one side of 0', () => {
    // Means 1 and -2, deviations 1 and 0.
    const w = tensor2d([
      [0, 2, 0, 2],
      [-2, -2, -2, -2],
    ]);
    expect(values(initialStep(lsqPlusRows(2), w))).toEqual([2, 1]);
    expect(values(initialStep(lsqPlusRows(4), w))).toEqual([0.5, 0.25]);
    expect(values(initialStep(lsqPlusRows(2), tensor2d([[0, 0]])))).toEqual([0]);
  });

  it('an image is signed from -1e-5 down, its offsets included', () => {
    const images = tensor4d([0, 0, -1e-5, 1], [1, 1, 2, 2]);
    expect(imageIsSigned(images)).toBe(false);
    expect(imageIsSigned(tensor4d([0, 0, -2e-5, 1], [1, 1, 2, 2]))).toBe(true);
    expect(imageIsSigned(images, tensor1d([0, -0.1, 0, 0]))).toBe(true);
    expect(() => imageIsSigned(tensor4d([0, 0, 0, Number.NaN], [1, 1, 2, 2]))).toThrow(
      expect.objectContaining({ code: 'QS_NON_FINITE' }),
    );
  });

  it('bits are 2, 3, 4 or 8', () => {
    for (const bits of [1, 5, 2.5, 16, Number.NaN]) {
      expect(() => statsq2d(bits as Bits)).toThrow(expect.objectContaining({ code: 'QS_BITS_INVALID' }));
      expect(() => lsqTokens(bits as Bits)).toThrow(`bits must be 2, 3, 4 or 8, got ${bits}`);
    }
  });
});
