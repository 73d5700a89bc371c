import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { BACKENDS } from '../test/check.ts';
import * as ops from './index.ts';

const wave = (...shape: number[]): tf.Tensor =>
  tf.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i + 1)),
    shape,
  );
const affine = (rows: number, columns: number) => ({ weight: wave(rows, columns), bias: wave(rows) });
const norm = () => [wave(4), wave(4)] as const;
const input = { inner: 4, low: -2, high: 1, gradientScale: 1 };
const quantized = (rows: number) => ({
  ...affine(rows, 4),
  step: tf.ones([1]),
  offsets: { before: wave(4), after: wave(4) },
  input,
  bits: 2,
});
const statistics = () => ({ mean: wave(4), variance: tf.ones([4]), eps: 1e-5 });

/** Operations as functions of one tensor, and its shape. */
const OPERATIONS: Readonly<Record<string, [shape: number[], f: (x: tf.Tensor) => tf.Tensor]>> = {
  matMul: [[2, 3, 4], (x) => ops.matMul(x, wave(4, 5))],
  linear: [[2, 3, 4], (x) => ops.linear(x, wave(5, 4), wave(5))],
  layerNorm: [[2, 3, 4], (x) => ops.layerNorm(x, ...norm(), 1e-5)],
  gelu: [[2, 3, 4], (x) => ops.gelu(x)],
  softmax: [[2, 3, 4], (x) => ops.softmax(x)],
  attention: [[2, 3, 4], (x) => ops.attention(x, x, x, 0.5)],
  lsq: [[2, 3, 4], (x) => ops.lsq(x, tf.ones([1]), input)],
  statsq: [[2, 3, 4], (x) => ops.statsq(x, { bits: 2, groups: 2, inner: 4 })],
  quantizedLinear: [[2, 3, 4], (x) => ops.quantizedLinear(x, quantized(4), x)],
  quantizedMlp: [[2, 3, 4], (x) => ops.quantizedMlp(x, quantized(4), quantized(4), x)],
  mlpBlock: [
    [2, 3, 4],
    (x) =>
      ops.mlpBlock(
        x,
        { norm: { weight: wave(4), bias: wave(4) }, fc1: affine(4, 4), fc2: affine(4, 4) },
        1e-5,
      ),
  ],
  attentionBlock: [
    [2, 3, 4],
    (x) => {
      const layers = { norm: { weight: wave(4), bias: wave(4) }, qkv: affine(12, 4), proj: affine(4, 4) };
      return ops.attentionBlock(x, layers, 2, 1e-5);
    },
  ],
  batchNorm: [[2, 3, 4], (x) => ops.batchNorm(x, ...norm(), statistics())],
  batchNormTraining: [
    [2, 3, 4],
    (x) => ops.batchNormTraining(x, ...norm(), { ...statistics(), momentum: 0.1 }).y,
  ],
  patchify: [[1, 2, 4, 4], (x) => ops.patchify(x, 2)],
  gatherRows: [[1, 3, 4], (x) => ops.gatherRows(x, Int32Array.of(2, 0, 2))],
  attentionPacked: [[2, 3, 12], (x) => ops.attentionPacked(x, 2, 0.5)],
  crossEntropy: [[2, 3], (x) => ops.crossEntropy(x, tf.tensor1d([0, 2], 'int32'))],
  mergeQueryKey: [[4, 4], (x) => ops.mergeQueryKey(x, wave(4, 4), 2)],
  quantizedAttention: [
    [2, 3, 4],
    (x) => ops.quantizedAttention(x, x, x, tf.ones([3]), { heads: 2, scale: 1, high: 3, gradientScale: 1 }),
  ],
  quantizedAttentionBlock: [
    [2, 3, 4],
    (x) => {
      const tokens = { step: tf.ones([1]), offsets: { before: wave(4), after: wave(4) }, input };
      const keys = { ...quantized(8), step: tf.ones([2]), offsets: { before: wave(8), after: wave(8) } };
      const probabilities = { step: tf.ones([3]), heads: 2, scale: 1, high: 3, gradientScale: 1 };
      const layers = { tokens, keys, values: quantized(4), probabilities, proj: quantized(4) };
      return ops.quantizedAttentionBlock(x, layers, x);
    },
  ],
};

describe.each(BACKENDS)("where none of tfjs-core's gradients is registered, on %s", (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it.each(Object.keys(OPERATIONS))('%s has one of its own', (name) => {
    expect(tf.getGradient('Reshape')).toBeUndefined();
    expect(tf.getGradient('Add')).toBeUndefined();
    const [shape, f] = OPERATIONS[name]!;
    expect(tf.grad(f)(wave(...shape)).shape).toEqual(shape);
  });
});
