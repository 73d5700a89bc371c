import { random } from '@proj/random';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { BACKENDS } from '../test/check.ts';
import { gelu } from './gelu.ts';
import { linear } from './linear.ts';
import { lsq } from './lsq.ts';
import { type QuantizedAffine, quantizedLinear, quantizedMlp } from './quantized-linear.ts';
import { statsq } from './statsq.ts';

const normal = (name: string, shape: number[], scale = 1): tf.Tensor => {
  const stream = random(4, name, ...shape);
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => scale * stream.normal()),
    shape,
  );
};

const layer = (name: string, inputs: number, outputs: number, tokens: number): QuantizedAffine => ({
  weight: normal(`${name} weight`, [outputs, inputs]),
  bias: normal(`${name} bias`, [outputs]),
  step: tf.add(0.5, tf.abs(normal(`${name} step`, [tokens], 0.2))),
  offsets: { before: normal(`${name} before`, [inputs], 0.3), after: normal(`${name} after`, [inputs]) },
  input: { inner: inputs, low: -2, high: 1, gradientScale: 0.1 },
  bits: 2,
});

/** The layer of its parts. */
const ofParts = (x: tf.Tensor, { weight, bias, step, offsets, input, bits }: QuantizedAffine): tf.Tensor => {
  const [groups, inner] = weight.shape as [number, number];
  return linear(lsq(x, step, input, offsets), statsq(weight, { bits, groups, inner }), bias);
};

/** The kernels add a residual first, where the parts add it last. */
function expectSame(received: tf.Tensor, expected: tf.Tensor): void {
  expect(received.shape).toEqual(expected.shape);
  const values = expected.dataSync();
  for (const [i, value] of received.dataSync().entries()) expect(value).toBeCloseTo(values[i]!, 4);
}

describe.each(BACKENDS)('quantizedLinear and quantizedMlp on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it('are their parts, with or without a residual', () => {
    const [x, first, second] = [normal('x', [2, 3, 4]), layer('fc1', 4, 6, 3), layer('fc2', 6, 4, 3)];
    const residual = normal('residual', [2, 3, 6]);
    const expected = ofParts(x, first);
    expectSame(quantizedLinear(x, first), expected);
    expectSame(quantizedLinear(x, first, residual), tf.add(residual, expected));
    const mlp = ofParts(gelu(expected), second);
    expectSame(quantizedMlp(x, first, second), mlp);
    expectSame(quantizedMlp(x, first, second, x), tf.add(x, mlp));
  });

  it('leave nothing but their value', () => {
    const [x, first, second] = [normal('x', [2, 3, 4]), layer('fc1', 4, 6, 3), layer('fc2', 6, 4, 3)];
    const residual = normal('residual', [2, 3, 6]);
    const before = tf.memory().numTensors;
    quantizedLinear(x, first);
    quantizedLinear(x, first, residual);
    quantizedMlp(x, first, second, x);
    expect(tf.memory().numTensors).toBe(before + 3);
  });

  it('refuse layers that do not fit', () => {
    const [x, first, second] = [normal('x', [2, 3, 4]), layer('fc1', 4, 6, 3), layer('fc2', 6, 4, 3)];
    expect(() => quantizedLinear(x, { ...first, bias: tf.zeros([5]) })).toThrow(
      'quantizedLinear: expected x [..., in], weight [out, in], bias [out] and a residual [..., out], got x [2, 3, 4], weight [6, 4], bias [5].',
    );
    expect(() => quantizedLinear(x, first, x)).toThrow('residual [2, 3, 4]');
    expect(() => quantizedLinear(x, { ...first, bits: 1 })).toThrow(
      'bits must be an integer from 2 to 16, got 1',
    );
    expect(() => quantizedLinear(tf.cast(x, 'int32'), first)).toThrow(
      expect.objectContaining({ code: 'OPS_BAD_DTYPE' }),
    );
    expect(() => quantizedMlp(x, first, first)).toThrow('got x [2, 3, 6], weight [6, 4]');
    expect(() => quantizedMlp(x, first, { ...second, step: tf.ones([4]) })).toThrow('step [4]');
  });
});
