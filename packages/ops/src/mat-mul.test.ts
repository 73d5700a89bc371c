import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { BACKENDS, checkOperation } from '../test/check.ts';
import { batchProduct, transposed } from '../test/definitions.ts';
import { matMul } from './mat-mul.ts';

/** Repeats matrices of batch shape `own` to batch shape `batch`. */
function repeated(
  x: Float64Array,
  own: readonly number[],
  batch: readonly number[],
  matrix: number,
): Float64Array {
  const count = batch.reduce((a, b) => a * b, 1);
  const y = new Float64Array(count * matrix);
  for (let t = 0; t < count; t++) {
    let rest = t;
    let from = 0;
    let step = 1;
    for (let axis = batch.length - 1; axis >= 0; axis--) {
      const index = rest % batch[axis]!;
      rest = Math.floor(rest / batch[axis]!);
      const ownSize = own[axis - batch.length + own.length] ?? 1;
      if (ownSize > 1) from += index * step;
      step *= ownSize;
    }
    y.set(x.subarray(from * matrix, (from + 1) * matrix), t * matrix);
  }
  return y;
}

function checkMatMul(
  m: number,
  k: number,
  n: number,
  a: number[],
  b: number[],
  ta: boolean,
  tb: boolean,
): void {
  const rank = Math.max(a.length, b.length);
  const batch = Array.from({ length: rank }, (_, i) =>
    Math.max(a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1),
  );
  const count = batch.reduce((x, y) => x * y, 1);
  const matrices = (
    x: Float64Array,
    own: number[],
    rows: number,
    columns: number,
    flip: boolean,
  ): Float64Array => {
    const whole = repeated(x, own, batch, rows * columns);
    return flip ? transposed(whole, count, columns, rows) : whole;
  };
  checkOperation({
    shapes: [
      [...a, ...(ta ? [k, m] : [m, k])],
      [...b, ...(tb ? [n, k] : [k, n])],
    ],
    expected: [...batch, m, n],
    run: (x, y) => matMul(x!, y!, ta, tb),
    definition: (x, y) => batchProduct(matrices(x!, a, m, k, ta), matrices(y!, b, k, n, tb), count, m, k, n),
  });
}

describe.each(BACKENDS)('matMul on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it.each([
    ['a plain product', [], []],
    ['a batch', [3], [3]],
    ['a batch against one matrix', [2, 3], []],
    ['one matrix against a batch', [1], [4]],
    ['a batch repeated as a whole', [2, 3], [3]],
    ['a batch repeated inside', [2, 3], [2, 1]],
    ['batches repeated on both sides', [2, 1], [1, 3]],
  ] as [string, number[], number[]][])('agrees with its definition, value and gradient: %s', (_, a, b) => {
    for (const ta of [false, true]) for (const tb of [false, true]) checkMatMul(3, 5, 4, a, b, ta, tb);
  });

  it('agrees with its definition for random shapes', () => {
    const size = fc.integer({ min: 1, max: 6 });
    const batches = fc.constantFrom<[number[], number[]]>(
      [[], []],
      [[2], [2]],
      [[2], []],
      [[], [3]],
      [[2, 1], [3]],
    );
    fc.assert(
      fc.property(size, size, size, batches, fc.boolean(), fc.boolean(), (m, k, n, [a, b], ta, tb) =>
        checkMatMul(m, k, n, a, b, ta, tb),
      ),
      { numRuns: 40, seed: 7 },
    );
  });

  it('differentiates one matrix against a batch as the sum over the batch, without a gradient for each of it', async () => {
    const [x, dy] = [
      tf.randomNormal([6, 5, 3], 0, 1, 'float32', 1),
      tf.randomNormal([6, 5, 4], 0, 1, 'float32', 2),
    ];
    for (const transposeB of [false, true]) {
      const each = transposeB ? tf.matMul(dy, x, true, false) : tf.matMul(x, dy, true, false);
      const expected = tf.sum(each, 0).dataSync();
      const weight = tf.ones(transposeB ? [1, 4, 3] : [1, 3, 4]);
      const gradient = tf.grads((a, b) => matMul(a, b, false, transposeB));
      const { kernels, result } = await tf.profile(() => gradient([x, weight], dy));
      const values = (result as tf.Tensor[])[1]!.dataSync();
      expect((result as tf.Tensor[])[1]!.shape).toEqual(weight.shape);
      for (const [i, value] of values.entries()) expect(value).toBeCloseTo(expected[i]!, 4);
      expect(kernels.flatMap(({ outputShapes }) => outputShapes)).not.toContainEqual(each.shape);
    }
  });

  it('refuses shapes that do not fit, and says which', () => {
    const [a, b] = [tf.zeros([2, 3, 4]), tf.zeros([2, 3, 4])];
    expect(() => matMul(a, b)).toThrow(
      'matMul(transposeA = false, transposeB = false): expected equal inner sizes, got a [2, 3, 4], b [2, 3, 4].',
    );
    expect(() => matMul(tf.zeros([2, 3, 4]), tf.zeros([3, 4, 3]))).toThrow('batch axes that are equal or 1');
    expect(() => matMul(tf.zeros([3]), b)).toThrow(expect.objectContaining({ code: 'OPS_SHAPE_MISMATCH' }));
    expect(() => matMul(tf.zeros([3, 2], 'int32'), b)).toThrow(
      expect.objectContaining({ code: 'OPS_BAD_DTYPE' }),
    );
  });
});
