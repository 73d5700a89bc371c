import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { BACKENDS, checkOperation } from '../test/check.ts';
import { byRow, normalizedRow } from '../test/definitions.ts';
import { layerNorm } from './layer-norm.ts';

describe.each(BACKENDS)('layerNorm on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it.each([[[3, 7]], [[2, 3, 16]], [[5]], [[4, 2]]])(
    'normalises the last axis, with its gradients: %j',
    (shape) => {
      const channels = shape.at(-1)!;
      checkOperation({
        shapes: [shape, [channels], [channels]],
        expected: shape,
        run: (x, weight, bias) => layerNorm(x!, weight!, bias!, 1e-2),
        definition: (x, w, b) =>
          byRow(x!, channels, (row) => normalizedRow(row, 1e-2)).map(
            (y, i) => y * w![i % channels]! + b![i % channels]!,
          ),
        tolerance: 1e-5,
      });
    },
  );

  it('refuses mismatching parameters and an eps that is not positive', () => {
    const [x, four] = [tf.zeros([2, 4]), tf.ones([4])];
    expect(() => layerNorm(x, tf.ones([3]), four, 1e-6)).toThrow(
      'expected x [..., C] with C > 0, weight [C] and bias [C], got x [2, 4], weight [3], bias [4].',
    );
    expect(() => layerNorm(x, four, four, 0)).toThrow(expect.objectContaining({ code: 'OPS_BAD_ARGUMENT' }));
  });
});
