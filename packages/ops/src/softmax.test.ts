import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { BACKENDS, checkOperation } from '../test/check.ts';
import { byRow, softmaxRow } from '../test/definitions.ts';
import { softmax } from './softmax.ts';

describe.each(BACKENDS)('softmax on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it.each([[[9]], [[4, 5]], [[2, 3, 1, 17]]])(
    'sums to 1 along the last axis, with its gradient: %j',
    (shape) => {
      checkOperation({
        shapes: [shape],
        expected: shape,
        run: (x) => softmax(x!),
        definition: (x) => byRow(x!, shape.at(-1)!, softmaxRow),
      });
    },
  );

  it('does not overflow', () => {
    expect([...softmax(tf.tensor1d([1000, 1000, -1000])).dataSync()]).toEqual([0.5, 0.5, 0]);
  });

  it('refuses a scalar', () => {
    expect(() => softmax(tf.scalar(1))).toThrow(expect.objectContaining({ code: 'OPS_SHAPE_MISMATCH' }));
  });
});
