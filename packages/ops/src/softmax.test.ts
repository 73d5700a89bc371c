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

  it.each([
    [[5], [5]],
    [[3, 5], [5]],
    [
      [2, 3, 5],
      [3, 5],
    ],
    [
      [2, 3, 5],
      [2, 1, 5],
    ],
    [
      [2, 3, 2, 5],
      [3, 1, 5],
    ],
    [
      [2, 3, 5],
      [2, 3, 5],
    ],
  ])('scales %j and adds a mask %j, each with its gradient', (shape, maskShape) => {
    const width = 5;
    const padded = [...new Array(shape.length - maskShape.length).fill(1), ...maskShape];
    /** The mask's element for element i of x. */
    const maskAt = (i: number): number => {
      let at = 0;
      let step = 1;
      for (let axis = shape.length - 1, rest = i; axis >= 0; rest = Math.floor(rest / shape[axis]!), axis--) {
        if (padded[axis] !== 1) at += step * (rest % shape[axis]!);
        step *= padded[axis]!;
      }
      return at;
    };
    checkOperation({
      shapes: [shape, maskShape],
      expected: shape,
      run: (x, mask) => softmax(x!, { scale: 0.7, mask: mask! }),
      definition: (x, mask) =>
        byRow(
          x!.map((value, i) => 0.7 * value + mask![maskAt(i)]!),
          width,
          softmaxRow,
        ),
    });
  });

  it('leaves out what a mask of -Infinity hides, and is NaN where that is all', () => {
    const mask = tf.tensor2d([[0, Number.NEGATIVE_INFINITY, 0], new Array(3).fill(Number.NEGATIVE_INFINITY)]);
    const y = [...softmax(tf.ones([2, 3]), { mask }).dataSync()];
    expect(y).toEqual([0.5, 0, 0.5, Number.NaN, Number.NaN, Number.NaN]);
  });

  it('does not overflow', () => {
    expect([...softmax(tf.tensor1d([1000, 1000, -1000])).dataSync()]).toEqual([0.5, 0.5, 0]);
  });

  it('refuses a scalar, a mask that does not broadcast and a scale that is not finite', () => {
    expect(() => softmax(tf.scalar(1))).toThrow(expect.objectContaining({ code: 'OPS_SHAPE_MISMATCH' }));
    for (const mask of [tf.zeros([2, 1]), tf.zeros([3, 4]), tf.zeros([1, 2, 4]), tf.scalar(0)]) {
      expect(() => softmax(tf.zeros([2, 4]), { mask })).toThrow(
        expect.objectContaining({
          code: 'OPS_SHAPE_MISMATCH',
          message: expect.stringContaining('a mask whose last axis is 4 and that broadcasts to [2, 4]'),
        }),
      );
    }
    expect(() => softmax(tf.zeros([2]), { mask: tf.zeros([2], 'bool') })).toThrow(
      expect.objectContaining({ code: 'OPS_BAD_DTYPE' }),
    );
    expect(() => softmax(tf.zeros([2]), { scale: Number.NaN })).toThrow(
      expect.objectContaining({ code: 'OPS_BAD_ARGUMENT' }),
    );
  });
});
