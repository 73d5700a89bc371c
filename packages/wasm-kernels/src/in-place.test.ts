import { sgdStep } from '@proj/ops';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';

const STOCK = [
  'Conv2D',
  'FusedConv2D',
  'DepthwiseConv2dNative',
  'FusedDepthwiseConv2D',
  'BatchMatMul',
  '_FusedMatMul',
  'Prelu',
];

/** The kernel that tfjs itself has under a name; ours are registered only after these were put aside. */
const stock = (name: string, inputs: tf.NamedTensorMap, attrs: Record<string, unknown> = {}): number[] =>
  tf.tidy(() => {
    const result = tf.engine().runKernel(`stock.${name}`, inputs, attrs as tf.NamedAttrMap) as tf.Tensor;
    return [...result.dataSync()];
  });

beforeAll(async () => {
  await tf.setBackend('wasm');
  for (const name of STOCK) {
    tf.registerKernel({ ...tf.getKernel(name, 'wasm'), kernelName: `stock.${name}` });
  }
  await import('./install.ts');
});

const convolution = {
  strides: [1, 1],
  pad: 'same',
  dataFormat: 'NHWC',
  dilations: [1, 1],
  activation: 'linear',
};
/** What stands beside the tensor that is written: the same at every step, as packed copies belong to both. */
const beside = { image: [1, 2, 2, 2], filter: [1, 1, 2, 2], bias: [2], row: [1, 1, 2] };
type Beside = Record<keyof typeof beside, tf.Tensor>;

/** Uses of a filter, matrix or vector by kernels that keep packed copies of it. */
const USES: Readonly<Record<string, [shape: number[], use: (w: tf.Tensor, beside: Beside) => number[]]>> = {
  'the filter of Conv2D': [
    [1, 1, 2, 2],
    (filter, { image: x }) => stock('Conv2D', { x, filter }, convolution),
  ],
  'the filter of FusedConv2D': [
    [1, 1, 2, 2],
    (filter, { image: x, bias }) => stock('FusedConv2D', { x, filter, bias }, convolution),
  ],
  'the bias of FusedConv2D': [
    [2],
    (bias, { image: x, filter }) => stock('FusedConv2D', { x, filter, bias }, convolution),
  ],
  'the filter of DepthwiseConv2dNative': [
    [1, 1, 2, 1],
    (filter, { image: x }) => stock('DepthwiseConv2dNative', { x, filter }, convolution),
  ],
  'the filter of FusedDepthwiseConv2D': [
    [1, 1, 2, 1],
    (filter, { image: x, bias }) => stock('FusedDepthwiseConv2D', { x, filter, bias }, convolution),
  ],
  'the right side of BatchMatMul': [
    [1, 2, 2],
    (b, { row: a }) => stock('BatchMatMul', { a, b }, { transposeA: false, transposeB: false }),
  ],
  'the right side of _FusedMatMul': [
    [1, 2, 2],
    (b, { row: a, bias }) =>
      stock('_FusedMatMul', { a, b, bias }, { transposeA: false, transposeB: false, activation: 'linear' }),
  ],
  'the slopes of Prelu': [[2], (alpha, { bias }) => stock('Prelu', { x: tf.neg(bias), alpha })],
};

describe("tfjs's own kernels see what a step has written in place", () => {
  it.each(Object.keys(USES))('%s', (name) => {
    const [shape, use] = USES[name]!;
    const ones = Object.fromEntries(
      Object.entries(beside).map(([key, shape]) => [key, tf.ones(shape)]),
    ) as Beside;
    const settings = { learningRate: 1, momentum: 0, weightDecay: 0 };
    let w: tf.Tensor = tf.fill(shape, 5);
    let before: number[] = [];
    for (let step = 0; step < 4; step++) {
      const fresh = tf.fill(shape, 5 + step);
      const now = use(w, ones);
      expect(now).toEqual(use(fresh, ones));
      expect(now).not.toEqual(before);
      before = now;
      const gradients = [tf.fill(shape, -1)];
      const { dataId } = w;
      [w] = sgdStep({ parameters: [w], gradients, momentumBuffers: undefined }, settings).parameters as [
        tf.Tensor,
      ];
      // It was in place indeed.
      expect(w.dataId).toBe(dataId);
    }
  });
});
