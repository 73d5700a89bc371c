import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { BACKENDS, checkOperation } from '../test/check.ts';
import { gatherRows } from './gather-rows.ts';

describe.each(BACKENDS)('gatherRows on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it.each([
    ['permuted', [2, 0, 3, 1]],
    ['taken more than once or not at all', [1, 1, 0, 3, 1]],
    ['taken as often as there are rows, but not each once', [0, 0, 3, 1]],
    ['left out', [3]],
  ])('takes rows of every batch, with the sum over their places as gradient: %s', (_, list) => {
    const [b, m, c] = [2, 4, 3];
    const n = list.length;
    checkOperation({
      shapes: [[b, m, c]],
      expected: [b, n, c],
      run: (x) => gatherRows(x!, Int32Array.from(list)),
      definition: (x) =>
        Float64Array.from({ length: b * n * c }, (_, i) => {
          const row = list[Math.floor(i / c) % n]!;
          return x![(Math.floor(i / (n * c)) * m + row) * c + (i % c)]!;
        }),
    });
  });

  it('refuses a number that is no row, and an index without any', () => {
    const x = tf.ones([1, 3, 2]);
    for (const [list, message] of [
      [[0, 3], 'numbers of the 3 rows of x [1,3,2], got 3'],
      [[-1], 'got -1'],
      [[], 'got none'],
    ] as const) {
      expect(() => gatherRows(x, Int32Array.from(list))).toThrow(
        expect.objectContaining({ code: 'OPS_BAD_ARGUMENT', message: expect.stringContaining(message) }),
      );
    }
    expect(() => gatherRows(tf.ones([3, 2]), Int32Array.of(0))).toThrow(
      'gatherRows: expected x [B, M, C], not empty, got x [3, 2].',
    );
    x.dispose();
  });
});
