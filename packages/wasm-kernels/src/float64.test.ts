// The fused kernels against their definitions, in float64 and plain loops.
import { attention, batchNormTraining, crossEntropy, gelu, layerNorm, softmax } from '@proj/ops';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import './install.ts';

/** Float32 values of a size, spread evenly over [centre - spread, centre + spread]. */
const values = (size: number, spread: number, centre = 0): fc.Arbitrary<Float32Array> =>
  fc
    .array(fc.integer({ min: -(2 ** 20), max: 2 ** 20 }), { minLength: size, maxLength: size })
    .map((steps) => Float32Array.from(steps, (step) => centre + (spread * step) / 2 ** 20));

const size = fc.integer({ min: 1, max: 33 });
const runs = { numRuns: 60, seed: 7 };

/** Holds a result against float64, every element to `tolerance` times its magnitude, or times 1 where it is smaller. */
function close(received: tf.Tensor, expected: ArrayLike<number>, tolerance: number): void {
  const got = received.dataSync();
  expect(got.length).toBe(expected.length);
  for (const [i, value] of got.entries()) {
    expect(Math.abs(value - expected[i]!)).toBeLessThan(tolerance * Math.max(1, Math.abs(expected[i]!)));
  }
  received.dispose();
}

/** erf by its series near 0 and by its continued fraction farther out. */
function erf(x: number): number {
  const a = Math.abs(x);
  if (a < 2.5) {
    let term = x;
    let sum = x;
    for (let n = 1; n < 80; n++) {
      term *= -(x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = a;
  for (let n = 60; n > 0; n--) fraction = a + n / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * fraction));
}

function softmaxOf(row: readonly number[]): number[] {
  const largest = Math.max(...row);
  const e = row.map((x) => Math.exp(x - largest));
  const sum = e.reduce((a, b) => a + b, 0);
  return e.map((x) => x / sum);
}

function normalized(values: readonly number[], eps: number): number[] {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
  return values.map((x) => (x - mean) / Math.sqrt(variance + eps));
}

const rowOf = (x: Float32Array, row: number, width: number): number[] => [
  ...x.subarray(row * width, (row + 1) * width),
];

describe('against float64', () => {
  beforeAll(async () => {
    await tf.setBackend('wasm');
  });

  it('gelu by erf is right to 4e-7 and by tanh to 4e-7', () => {
    fc.assert(
      fc.property(
        size.chain((n) => values(n, 8)),
        (x) => {
          const given = tf.tensor1d(x);
          close(
            gelu(given),
            Array.from(x, (v) => 0.5 * v * (1 + erf(v / Math.SQRT2))),
            4e-7,
          );
          close(
            gelu(given, 'tanh'),
            Array.from(x, (v) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)))),
            4e-7,
          );
          given.dispose();
        },
      ),
      { ...runs, numRuns: 200 },
    );
  });

  it('layerNorm is right to 1e-5 for inputs that are not far from their spread', () => {
    fc.assert(
      fc.property(
        fc.tuple(size, size).chain(([rows, width]) =>
          fc.record({
            rows: fc.constant(rows),
            width: fc.constant(width),
            x: values(rows * width, 4, 1),
            weight: values(width, 2),
            bias: values(width, 2),
          }),
        ),
        ({ rows, width, x, weight, bias }) => {
          const expected = Array.from({ length: rows }, (_, row) =>
            normalized(rowOf(x, row, width), 1e-2).map((y, i) => y * weight[i]! + bias[i]!),
          ).flat();
          const y = tf.tidy(() =>
            layerNorm(tf.tensor2d(x, [rows, width]), tf.tensor1d(weight), tf.tensor1d(bias), 1e-2),
          );
          close(y, expected, 1e-5);
        },
      ),
      runs,
    );
  });

  it('softmax with scale and mask is right to 2e-6', () => {
    fc.assert(
      fc.property(
        fc.tuple(size, size).chain(([rows, width]) =>
          fc.record({
            rows: fc.constant(rows),
            width: fc.constant(width),
            x: values(rows * width, 20),
            mask: values(width, 5),
          }),
        ),
        ({ rows, width, x, mask }) => {
          const scale = 0.25;
          const expected = Array.from({ length: rows }, (_, row) =>
            softmaxOf(rowOf(x, row, width).map((v, i) => scale * v + mask[i]!)),
          ).flat();
          const y = tf.tidy(() => softmax(tf.tensor2d(x, [rows, width]), { scale, mask: tf.tensor1d(mask) }));
          close(y, expected, 2e-6);
        },
      ),
      runs,
    );
  });

  it('attention is right to 1e-5', () => {
    fc.assert(
      fc.property(
        fc.tuple(size, size, size, size).chain(([n, m, d, e]) =>
          fc.record({
            sizes: fc.constant([n, m, d, e] as const),
            q: values(n * d, 2),
            k: values(m * d, 2),
            v: values(m * e, 2),
          }),
        ),
        ({ sizes: [n, m, d, e], q, k, v }) => {
          const scale = 1 / Math.sqrt(d);
          const expected: number[] = [];
          for (let i = 0; i < n; i++) {
            const scores = Array.from({ length: m }, (_, j) => {
              let sum = 0;
              for (let c = 0; c < d; c++) sum += q[i * d + c]! * k[j * d + c]!;
              return scale * sum;
            });
            const p = softmaxOf(scores);
            for (let c = 0; c < e; c++) expected.push(p.reduce((sum, w, j) => sum + w * v[j * e + c]!, 0));
          }
          const y = tf.tidy(() =>
            attention(tf.tensor2d(q, [n, d]), tf.tensor2d(k, [m, d]), tf.tensor2d(v, [m, e]), scale),
          );
          close(y, expected, 1e-5);
        },
      ),
      runs,
    );
  });

  it('crossEntropy is right to 2e-6, on classes and on probabilities', () => {
    fc.assert(
      fc.property(
        fc.tuple(size, size).chain(([rows, classes]) =>
          fc.record({
            rows: fc.constant(rows),
            classes: fc.constant(classes),
            logits: values(rows * classes, 10),
            soft: values(rows * classes, 0.5, 0.5),
            labels: fc.array(fc.nat(classes - 1), { minLength: rows, maxLength: rows }),
          }),
        ),
        ({ rows, classes, logits, soft, labels }) => {
          let [byClass, bySoft] = [0, 0];
          for (let row = 0; row < rows; row++) {
            const given = rowOf(logits, row, classes);
            const largest = Math.max(...given);
            const log = largest + Math.log(given.reduce((sum, x) => sum + Math.exp(x - largest), 0));
            byClass += (log - given[labels[row]!]!) / rows;
            for (const [i, x] of given.entries()) bySoft += (soft[row * classes + i]! * (log - x)) / rows;
          }
          const loss = (targets: tf.Tensor) => crossEntropy(tf.tensor2d(logits, [rows, classes]), targets);
          close(
            tf.tidy(() => loss(tf.tensor1d(labels, 'int32'))),
            [byClass],
            2e-6,
          );
          close(
            tf.tidy(() => loss(tf.tensor2d(soft, [rows, classes]))),
            [bySoft],
            2e-6,
          );
        },
      ),
      runs,
    );
  });

  it('batchNorm is right to 2e-5 and its statistics to 1e-5, also far from 0', () => {
    fc.assert(
      fc.property(
        fc.tuple(fc.integer({ min: 2, max: 60 }), size).chain(([rows, channels]) =>
          fc.record({
            rows: fc.constant(rows),
            channels: fc.constant(channels),
            x: values(rows * channels, 4, 32),
            weight: values(channels, 2),
            bias: values(channels, 2),
          }),
        ),
        ({ rows, channels, x, weight, bias }) => {
          const expected = new Float64Array(rows * channels);
          const [means, variances] = [new Float64Array(channels), new Float64Array(channels)];
          for (let c = 0; c < channels; c++) {
            const column = Array.from({ length: rows }, (_, row) => x[row * channels + c]!);
            for (const [row, y] of normalized(column, 1e-1).entries()) {
              expected[row * channels + c] = y * weight[c]! + bias[c]!;
            }
            means[c] = column.reduce((a, b) => a + b, 0) / rows;
            variances[c] = column.reduce((a, b) => a + (b - means[c]!) ** 2, 0) / (rows - 1);
          }
          const { y, mean, variance } = tf.tidy(() =>
            batchNormTraining(tf.tensor2d(x, [rows, channels]), tf.tensor1d(weight), tf.tensor1d(bias), {
              mean: tf.zeros([channels]),
              variance: tf.zeros([channels]),
              eps: 1e-1,
              momentum: 1,
            }),
          );
          // An element of 32 has an error of 2e-6 itself, which the smallest deviation's 1 / sqrt(eps) makes 6e-6.
          close(y, expected, 2e-5);
          close(mean, means, 1e-6);
          close(variance, variances, 1e-5);
        },
      ),
      runs,
    );
  });
});
