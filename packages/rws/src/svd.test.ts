import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { golden } from '../test/golden.ts';
import { innerProduct } from './projection.ts';
import { type Svd, svd } from './svd.ts';

const product = ({ singular, left, right }: Svd, rank: number, rows: number, columns: number) =>
  Array.from({ length: rows * columns }, (_, at) => {
    const [i, j] = [Math.floor(at / columns), at % columns];
    let sum = 0;
    for (let r = 0; r < rank; r++) sum += singular[r]! * left[r]![i]! * right[r]![j]!;
    return sum;
  });

const matrix = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), fc.boolean())
  .chain(([rows, columns, dependent]) =>
    fc.record({
      rows: fc.constant(rows),
      columns: fc.constant(columns),
      values: fc
        .array(fc.double({ min: -3, max: 3, noNaN: true }), {
          minLength: rows * columns,
          maxLength: rows * columns,
        })
        // Rows that repeat: a matrix without full rank.
        .map((list) => (dependent ? list.map((_, i) => list[i % (2 * columns)]!) : list)),
    }),
  );

describe('svd', () => {
  it("finds the paper's reference numbers", () => {
    const { key, shape, singular_values, rank2 } = golden.lowrank;
    const [rows, columns] = shape as [number, number];
    const decomposition = svd(golden.rws_k4[0]![key]!, rows, columns);
    for (const [i, value] of singular_values.entries()) {
      expect(decomposition.singular[i]).toBeCloseTo(value, 6);
    }
    for (const [i, value] of product(decomposition, 2, rows, columns).entries()) {
      expect(Math.abs(value - rank2[i]!)).toBeLessThan(2e-7);
    }
  });

  it('multiplies back to the matrix, in falling order, with orthonormal vectors', () => {
    fc.assert(
      fc.property(matrix, ({ rows, columns, values }) => {
        const decomposition = svd(values, rows, columns);
        const { singular, left, right } = decomposition;
        const scale = Math.hypot(...values);
        expect(singular.length).toBe(Math.min(rows, columns));
        expect([...singular]).toEqual([...singular].sort((a, b) => b - a));
        const again = product(decomposition, singular.length, rows, columns);
        for (const [i, value] of again.entries()) {
          expect(Math.abs(value - values[i]!)).toBeLessThanOrEqual(1e-12 * scale + 1e-300);
        }
        for (const vectors of [left, right]) {
          const kept = vectors.filter((_, i) => singular[i]! > 1e-6 * scale && scale > 1e-300);
          for (const [i, u] of kept.entries()) {
            for (const [j, v] of kept.entries()) {
              expect(innerProduct(u, v)).toBeCloseTo(Number(i === j), 8);
            }
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});
