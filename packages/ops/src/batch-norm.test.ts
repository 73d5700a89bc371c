import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { BACKENDS, checkOperation } from '../test/check.ts';
import { normalizedRow } from '../test/definitions.ts';
import { batchNorm, batchNormTraining } from './batch-norm.ts';
import './gradients.ts';

const eps = 1e-2;

/** Every channel of [rows, channels] normalised over the rows. */
function normalizedColumns(x: Float64Array, channels: number): Float64Array {
  const y = new Float64Array(x.length);
  for (let c = 0; c < channels; c++) {
    const column = normalizedRow(
      x.filter((_, i) => i % channels === c),
      eps,
    );
    for (const [row, value] of column.entries()) y[row * channels + c] = value;
  }
  return y;
}

describe.each(BACKENDS)('batch norm on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it.each([[[6, 3]], [[2, 3, 4, 5]], [[5, 1]]])(
    'normalises each channel over the batch in training, with its gradients: %j',
    (shape) => {
      const channels = shape.at(-1)!;
      checkOperation({
        shapes: [shape, [channels], [channels]],
        expected: shape,
        run: (x, weight, bias) =>
          tf.tidy(() => {
            const running = { mean: tf.zeros([channels]), variance: tf.ones([channels]) };
            return batchNormTraining(x!, weight!, bias!, { ...running, eps, momentum: 0.1 }).y;
          }),
        definition: (x, w, b) =>
          normalizedColumns(x!, channels).map((y, i) => y * w![i % channels]! + b![i % channels]!),
        tolerance: 1e-5,
      });
    },
  );

  it('normalises by the given statistics at inference, with its gradients', () => {
    const [mean, variance] = [
      [0.5, -1, 2],
      [1, 0.25, 4],
    ];
    checkOperation({
      shapes: [[2, 2, 3], [3], [3]],
      expected: [2, 2, 3],
      run: (x, weight, bias) =>
        tf.tidy(() =>
          batchNorm(x!, weight!, bias!, { mean: tf.tensor1d(mean!), variance: tf.tensor1d(variance!), eps }),
        ),
      definition: (x, w, b) =>
        x!.map((v, i) => {
          const c = i % 3;
          return ((v - mean![c]!) / Math.sqrt(variance![c]! + eps)) * w![c]! + b![c]!;
        }),
    });
  });

  it('returns running statistics with the unbiased variance, and leaves the given ones and nothing else', () => {
    const x = tf.tensor2d([
      [1, 10],
      [3, 10],
      [8, 40],
    ]);
    const [mean, variance, zeros, ones] = [
      tf.tensor1d([100, 0]),
      tf.tensor1d([0, 10]),
      tf.zeros([2]),
      tf.ones([2]),
    ];
    const before = tf.memory().numTensors;
    const result = batchNormTraining(x, ones, zeros, { mean, variance, eps, momentum: 0.1 });
    expect(tf.memory().numTensors).toBe(before + 3);
    // Means 4 and 20; sums of squares about them 26 and 600, divided by 2.
    for (const [received, expected] of [
      [result.mean, [90.4, 2]],
      [result.variance, [1.3, 39]],
      [mean, [100, 0]],
      [variance, [0, 10]],
    ] as [tf.Tensor, number[]][]) {
      for (const [i, value] of received.dataSync().entries()) expect(value).toBeCloseTo(expected[i]!, 4);
    }
  });

  it('refuses to differentiate the statistics that it returns', () => {
    const ones = tf.ones([2]);
    const spec = { mean: ones, variance: ones, eps, momentum: 0.1 };
    expect(() => tf.grad((x) => batchNormTraining(x, ones, ones, spec).variance)(tf.ones([3, 2]))).toThrow(
      expect.objectContaining({ code: 'OPS_NOT_DIFFERENTIABLE' }),
    );
  });

  it('refuses shapes, an eps and a momentum that make no sense', () => {
    const [x, three, four] = [tf.zeros([2, 3]), tf.ones([3]), tf.ones([4])];
    const spec = { mean: three, variance: three, eps, momentum: 0.1 };
    expect(() => batchNorm(x, three, three, { ...spec, mean: four })).toThrow(
      'batchNorm: expected x [..., C] with C > 0, weight, bias, mean and variance [C], got x [2, 3], weight [3], bias [3], mean [4], variance [3].',
    );
    expect(() => batchNormTraining(tf.zeros([1, 3]), three, three, spec)).toThrow(
      'x [..., C] with two or more values per channel, got x [1, 3]',
    );
    expect(() => batchNorm(x, three, three, { ...spec, eps: 0 })).toThrow(
      expect.objectContaining({ code: 'OPS_BAD_ARGUMENT' }),
    );
    for (const momentum of [-0.1, 1.1, Number.NaN]) {
      expect(() => batchNormTraining(x, three, three, { ...spec, momentum })).toThrow(
        expect.objectContaining({ code: 'OPS_BAD_ARGUMENT' }),
      );
    }
    expect(() => batchNorm(tf.zeros([2, 3], 'int32'), three, three, spec)).toThrow(
      expect.objectContaining({ code: 'OPS_BAD_DTYPE' }),
    );
  });
});
