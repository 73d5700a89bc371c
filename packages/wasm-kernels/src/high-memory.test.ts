import {
  attention,
  attentionBlock,
  attentionPacked,
  batchNormTraining,
  gelu,
  layerNorm,
  linear,
  lsq,
  mlpBlock,
  quantizedAttention,
  quantizedMlp,
  sgdStep,
  softmax,
  statsq,
} from '@proj/ops';
import '@proj/ops/gradients';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compare } from '../test/twin.ts';
import type { WasmBackend } from './heap.ts';

const wasm = (): WasmBackend => tf.backend() as unknown as WasmBackend;
const offset = (x: tf.Tensor): number => wasm().dataIdMap.get(x.dataId).memoryOffset;

const affine = (weight: tf.Tensor, bias: tf.Tensor) => ({ weight, bias });
const spec = { inner: 8, low: -2, high: 1, gradientScale: 0.5 };

/** Operations, and the shapes of their inputs. */
const OPERATIONS: Readonly<Record<string, [run: (...x: tf.Tensor[]) => tf.Tensor, ...shapes: number[][]]>> = {
  matMul: [(a, b) => tf.matMul(a!, b!, true, true), [2, 40, 33], [2, 17, 40]],
  'matMul of a row': [(a, b) => tf.matMul(a!, b!), [1, 40], [40, 37]],
  conv2d: [(x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same'), [2, 7, 7, 3], [3, 3, 3, 5]],
  depthwiseConv2d: [
    (x, w) => tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same'),
    [2, 7, 7, 5],
    [3, 3, 5, 1],
  ],
  maxPool: [(x) => tf.maxPool(x as tf.Tensor4D, 2, 2, 'same'), [2, 7, 7, 3]],
  transpose: [(x) => tf.mul(tf.transpose(x!, [4, 2, 0, 3, 1]), 2), [2, 3, 4, 5, 6]],
  gather: [(x) => tf.gather(x!, tf.tensor1d([1, 0, 1], 'int32')), [3, 7]],
  einsum: [(a, b) => tf.einsum('abc,dbc->da', a!, b!), [3, 4, 5], [6, 4, 5]],
  linear: [(x, w, b) => linear(x!, w!, b), [9, 8], [7, 8], [7]],
  layerNorm: [(x, w, b) => layerNorm(x!, w!, b!, 1e-3), [5, 9], [9], [9]],
  gelu: [(x) => gelu(x!), [101]],
  'gelu by tanh': [(x) => gelu(x!, 'tanh'), [101]],
  softmax: [(x, mask) => softmax(x!, { scale: 0.5, mask: mask! }), [3, 4, 9], [4, 9]],
  attention: [(q, k, v, mask) => attention(q!, k!, v!, 0.4, mask), [2, 5, 3], [2, 6, 3], [2, 6, 4], [5, 6]],
  attentionPacked: [(qkv) => attentionPacked(qkv!, 2, 0.5), [2, 5, 24]],
  attentionBlock: [
    (x, a, b, c, d, e, f) =>
      attentionBlock(x!, { norm: affine(a!, b!), qkv: affine(c!, d!), proj: affine(e!, f!) }, 2, 1e-2),
    [2, 5, 8],
    [8],
    [8],
    [24, 8],
    [24],
    [8, 8],
    [8],
  ],
  mlpBlock: [
    (x, a, b, c, d, e, f) =>
      mlpBlock(x!, { norm: affine(a!, b!), fc1: affine(c!, d!), fc2: affine(e!, f!) }, 1e-2),
    [2, 5, 8],
    [8],
    [8],
    [12, 8],
    [12],
    [8, 12],
    [8],
  ],
  batchNormTraining: [
    (x, w, b) => batchNormTraining(x!, w!, b!, { mean: w!, variance: w!, eps: 1e-3, momentum: 0.1 }).y,
    [6, 7],
    [7],
    [7],
  ],
  lsq: [
    (x, before, after) => lsq(x!, tf.fill([3], 0.37), spec, { before: before!, after: after! }),
    [2, 3, 8],
    [8],
    [8],
  ],
  statsq: [(w) => statsq(w!, { bits: 2, groups: 5, inner: 7 }), [5, 7]],
  quantizedAttention: [
    (q, k, v) =>
      quantizedAttention(q!, k!, v!, tf.fill([5], 0.11), { heads: 2, scale: 0.5, high: 3, gradientScale: 1 }),
    [2, 5, 8],
    [2, 5, 8],
    [2, 5, 6],
  ],
  quantizedMlp: [
    (x, w, b) => {
      const layer = {
        ...affine(w!, b!),
        step: tf.fill([1], 0.43),
        offsets: { before: tf.fill([8], 0.1), after: tf.fill([8], 0.2) },
        input: spec,
        bits: 3,
      };
      return quantizedMlp(x!, layer, layer, x);
    },
    [5, 8],
    [8, 8],
    [8],
  ],
};

describe('where the heap is larger than 2 GiB, so that offsets are negative as signed numbers', () => {
  const ballast: tf.Tensor[] = [];

  beforeAll(async () => {
    await tf.setBackend('wasm');
    // First of all, so that whatever comes afterwards lies behind it; it is allocated but not touched.
    for (let i = 0; i < 3; i++) {
      ballast.push(tf.engine().makeTensorFromTensorInfo(wasm().makeOutput([750 << 18], 'float32')));
    }
  });
  afterAll(() => tf.dispose(ballast));

  it.each(Object.keys(OPERATIONS))('%s and its gradients are right', async (name) => {
    const probe = tf.zeros([1000]);
    expect(offset(probe)).toBeGreaterThan(2 ** 31);
    probe.dispose();
    const [run, ...shapes] = OPERATIONS[name]!;
    await compare(
      run,
      shapes.map((shape) => ({ shape })),
      1e-4,
    );
    await tf.setBackend('wasm');
  });

  it('a step of an optimizer is right, and in place', () => {
    const [parameter, gradient, buffer] = [tf.fill([1001], 1), tf.fill([1001], 2), tf.fill([1001], 4)];
    const { dataId } = parameter;
    expect(offset(parameter)).toBeGreaterThan(2 ** 31);
    const next = sgdStep(
      { parameters: [parameter], gradients: [gradient], momentumBuffers: [buffer] },
      { learningRate: 0.5, momentum: 0.5, weightDecay: 0 },
    );
    expect(next.parameters[0]!.dataId).toBe(dataId);
    expect(new Set(next.parameters[0]!.dataSync())).toEqual(new Set([-1]));
    expect(new Set(next.momentumBuffers![0]!.dataSync())).toEqual(new Set([4]));
    tf.dispose([...next.parameters, ...next.momentumBuffers!]);
  });
});
