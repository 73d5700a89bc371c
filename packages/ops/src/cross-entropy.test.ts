import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { BACKENDS, checkOperation } from '../test/check.ts';
import { byRow, softmaxRow } from '../test/definitions.ts';
import { crossEntropy } from './cross-entropy.ts';

const classes = 5;

function definition(logits: Float64Array, targets: ArrayLike<number>): Float64Array {
  const p = byRow(logits, classes, softmaxRow);
  const loss = p.reduce((sum, value, i) => sum - targets[i]! * Math.log(value), 0);
  return Float64Array.of(loss / (logits.length / classes));
}

describe.each(BACKENDS)('crossEntropy on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it('takes classes', () => {
    const labels = [4, 0, 2];
    const oneHot = labels.flatMap((label) =>
      Array.from({ length: classes }, (_, i) => (i === label ? 1 : 0)),
    );
    const targets = tf.tensor1d(labels, 'int32');
    checkOperation({
      shapes: [[3, classes]],
      expected: [],
      run: (logits) => crossEntropy(logits!, targets),
      definition: (logits) => definition(logits!, oneHot),
    });
  });

  it('takes probabilities, whatever they sum to', () => {
    const soft = [0.5, 0.25, 0.25, 0, 0, 0.125, 0.5, 0.125, 0.5, 0.25];
    const targets = tf.tensor2d(soft, [2, classes]);
    checkOperation({
      shapes: [[2, classes]],
      expected: [],
      run: (logits) => crossEntropy(logits!, targets),
      definition: (logits) => definition(logits!, soft),
    });
  });

  it('is 0 where there is one class', () => {
    const { value, grad } = tf.valueAndGrad((x) => crossEntropy(x, tf.zeros([2], 'int32')))(tf.ones([2, 1]));
    expect([...value.dataSync(), ...grad.dataSync()].map(Math.abs)).toEqual([0, 0, 0]);
  });

  it('stays finite for large logits', () => {
    const loss = crossEntropy(tf.tensor2d([[1000, -1000]]), tf.tensor1d([1], 'int32'));
    expect(loss.dataSync()[0]).toBe(2000);
  });

  it('leaves out a class of target 0, so that a logit may be -Infinity', () => {
    const logits = tf.tensor2d([[1, 2, -Infinity]]);
    const p = [1 / (1 + Math.E), Math.E / (1 + Math.E), 0];
    const cases: [tf.Tensor, number[], number][] = [
      [tf.tensor1d([1], 'int32'), [0, 1, 0], -Math.log(p[1]!)],
      [tf.tensor2d([[0.25, 0.75, 0]]), [0.25, 0.75, 0], -0.25 * Math.log(p[0]!) - 0.75 * Math.log(p[1]!)],
      [tf.tensor1d([2], 'int32'), [0, 0, 1], Number.POSITIVE_INFINITY],
    ];
    for (const [targets, wanted, expected] of cases) {
      const { value, grad } = tf.valueAndGrad((x) => crossEntropy(x, targets))(logits);
      expect(value.dataSync()[0]).toBeCloseTo(expected, 5);
      const slope = grad.dataSync();
      for (const [i, w] of wanted.entries()) expect(slope[i]).toBeCloseTo(p[i]! - w, 5);
    }
  });

  it('does not hide a NaN, in logits or targets', () => {
    const value = (logits: number[], targets: tf.Tensor) =>
      crossEntropy(tf.tensor2d([logits]), targets).dataSync()[0];
    expect(value([1, Number.NaN], tf.tensor1d([0], 'int32'))).toBeNaN();
    expect(value([1, 2], tf.tensor2d([[1, Number.NaN]]))).toBeNaN();
  });

  it('refuses a class that the logits do not have, instead of counting it as no loss', () => {
    const logits = tf.zeros([2, 3]);
    for (const label of [3, -1]) {
      expect(() => crossEntropy(logits, tf.tensor1d([0, label], 'int32'))).toThrow(
        `crossEntropy: targets[1] is ${label}, but logits have 3 classes (0 to 2)`,
      );
    }
    expect(() => crossEntropy(logits, tf.zeros([2]))).toThrow('targets int32 [B] or float32 [B, C]');
    expect(() => crossEntropy(logits, tf.zeros([2, 3], 'bool'))).toThrow(
      expect.objectContaining({ code: 'OPS_BAD_DTYPE' }),
    );
  });
});
