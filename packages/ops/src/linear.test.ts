import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { BACKENDS, checkOperation } from '../test/check.ts';
import { batchProduct, transposed } from '../test/definitions.ts';
import { linear } from './linear.ts';

describe.each(BACKENDS)('linear on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it.each([[[7]], [[2, 5]], [[2, 1, 3]]])(
    'is x Wᵀ + b with its gradients, for leading axes %j',
    (leading) => {
      const [inputs, outputs] = [9, 6];
      const rows = leading.reduce((a, b) => a * b, 1);
      const product = (x: Float64Array, w: Float64Array): Float64Array =>
        batchProduct(x, transposed(w, 1, outputs, inputs), 1, rows, inputs, outputs);
      checkOperation({
        shapes: [[...leading, inputs], [outputs, inputs], [outputs]],
        expected: [...leading, outputs],
        run: (x, weight, bias) => linear(x!, weight!, bias),
        definition: (x, w, b) => product(x!, w!).map((y, i) => y + b![i % outputs]!),
      });
      checkOperation({
        shapes: [
          [...leading, inputs],
          [outputs, inputs],
        ],
        expected: [...leading, outputs],
        run: (x, weight) => linear(x!, weight!),
        definition: (x, w) => product(x!, w!),
      });
    },
  );

  it('works on no rows at all', () => {
    expect(linear(tf.zeros([0, 3]), tf.zeros([2, 3])).shape).toEqual([0, 2]);
  });

  it('refuses a weight stored [in, out] and a bias of the wrong length', () => {
    const x = tf.zeros([4, 3]);
    expect(() => linear(x, tf.zeros([3, 2]))).toThrow(
      'linear: expected x [..., in], weight [out, in] and bias [out], got x [4, 3], weight [3, 2].',
    );
    expect(() => linear(x, tf.zeros([2, 3]), tf.zeros([3]))).toThrow('bias [3]');
    expect(() => linear(x, tf.zeros([2, 3], 'int32'))).toThrow(
      expect.objectContaining({ code: 'OPS_BAD_DTYPE' }),
    );
  });
});
