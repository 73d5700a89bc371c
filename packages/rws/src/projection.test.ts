import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { innerProduct, norm, reject } from './projection.ts';

const pair = fc.integer({ min: 1, max: 30 }).chain((length) => {
  const vector = fc
    .array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: length, maxLength: length })
    .map((values) => Float64Array.from(values, (value) => (Math.abs(value) < 1e-3 ? 0 : value)));
  return fc.tuple(vector, vector);
});
const close = (a: Float64Array, b: Float64Array, tolerance: number) =>
  a.every((value, i) => Math.abs(value - b[i]!) <= tolerance);

describe('reject', () => {
  it('leaves nothing along the direction', () => {
    fc.assert(
      fc.property(pair, ([d, b]) => {
        const { residual } = reject(d, b);
        expect(Math.abs(innerProduct(residual, b))).toBeLessThanOrEqual(1e-13 * norm(d) * norm(b) + 1e-300);
      }),
    );
  });

  it('is the same for the robust task vector d and for the plain difference d − b', () => {
    fc.assert(
      fc.property(pair, ([d, b]) => {
        fc.pre(norm(b) > 0);
        const delta = d.map((value, i) => value - b[i]!);
        expect(close(reject(d, b).residual, reject(delta, b).residual, 1e-12 * (norm(d) + norm(b)))).toBe(
          true,
        );
      }),
    );
  });

  it('is idempotent and scales with d', () => {
    fc.assert(
      fc.property(pair, fc.double({ min: -4, max: 4, noNaN: true }), ([d, b], factor) => {
        const { residual } = reject(d, b);
        const tolerance = 1e-12 * (norm(d) + 1);
        expect(close(reject(residual, b).residual, residual, tolerance)).toBe(true);
        const scaled = reject(
          d.map((value) => value * factor),
          b,
        ).residual;
        expect(
          close(
            scaled,
            residual.map((value) => value * factor),
            4 * tolerance,
          ),
        ).toBe(true);
      }),
    );
  });

  it('keeps d whole where the direction vanishes', () => {
    const d = Float64Array.of(1, -2, 3);
    expect(reject(d, new Float64Array(3))).toEqual({ residual: d, p: 0, directionNorm: 0 });
  });
});
