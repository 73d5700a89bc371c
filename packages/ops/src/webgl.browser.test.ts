import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-webgl';
import { expect, it } from 'vitest';
import './gradients.ts';
import {
  type Affine,
  adamwStep,
  attention,
  attentionBlock,
  attentionPacked,
  batchNorm,
  batchNormTraining,
  crossEntropy,
  gelu,
  globalNorm,
  layerNorm,
  linear,
  lsq,
  matMul,
  mergeQueryKey,
  mlpBlock,
  patchify,
  quantizedAttention,
  sgdStep,
  softmax,
  statsq,
} from './index.ts';

type Operation = (...inputs: tf.Tensor[]) => tf.Tensor;

/** Repeatable inputs, of both signs. */
const waves = (shape: readonly number[], seed: number): tf.Tensor => {
  const size = shape.reduce((product, length) => product * length, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => 2 * Math.sin((i + 1) * (seed + 0.7))),
    [...shape],
  );
};

/** Weights and biases in turn. */
const affines = (tensors: readonly tf.Tensor[]): Affine[] =>
  tensors.flatMap((weight, i) => (i % 2 === 0 ? [{ weight, bias: tensors[i + 1]! }] : []));

/** Holds what `run` makes of the inputs on WebGL against what it makes of them on the cpu backend. */
async function compare(
  run: (inputs: tf.Tensor[]) => tf.Tensor[],
  shapes: readonly number[][],
): Promise<void> {
  const results = async (backend: string) => {
    expect(await tf.setBackend(backend), `there is no ${backend} in this Chromium`).toBe(true);
    return tf.tidy(() =>
      run(shapes.map(waves)).map((tensor) => ({ shape: tensor.shape, values: tensor.dataSync() })),
    );
  };
  const expected = await results('cpu');
  const received = await results('webgl');
  expect(tf.env().getBool('WEBGL_RENDER_FLOAT32_ENABLED'), 'the renderer has float32 textures').toBe(true);
  expect(received.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
  received.forEach(({ values }, which) => {
    const wanted = expected[which]!.values;
    const magnitude = Math.max(1, ...wanted.map(Math.abs));
    values.forEach((value, i) => {
      expect(Math.abs(value - wanted[i]!)).toBeLessThan(1e-4 * magnitude);
    });
  });
}

it.each<[name: string, run: Operation, shapes: number[][]]>([
  [
    'matMul',
    (a, b) => matMul(a!, b!),
    [
      [2, 3, 5, 7],
      [7, 4],
    ],
  ],
  [
    'matMul, transposed',
    (a, b) => matMul(a!, b!, true, true),
    [
      [3, 7, 5],
      [3, 4, 7],
    ],
  ],
  ['linear', (x, w, b) => linear(x!, w!, b!), [[2, 5, 9], [6, 9], [6]]],
  ['patchify', (x) => patchify(x!, 2), [[2, 3, 4, 6]]],
  ['layerNorm', (x, w, b) => layerNorm(x!, w!, b!, 1e-3), [[4, 17], [17], [17]]],
  ['gelu', (x) => gelu(x!), [[3, 11]]],
  ['gelu, tanh', (x) => gelu(x!, 'tanh'), [[3, 11]]],
  ['softmax', (x) => softmax(x!), [[2, 3, 13]]],
  [
    'attention',
    (q, k, v) => attention(q!, k!, v!, 0.4),
    [
      [2, 3, 5, 4],
      [2, 3, 7, 4],
      [2, 3, 7, 6],
    ],
  ],
  ['attentionPacked', (qkv) => attentionPacked(qkv!, 3, 0.4), [[2, 5, 36]]],
  [
    'attentionBlock',
    (x, ...rest) => {
      const [norm, qkv, proj] = affines(rest);
      return attentionBlock(x!, { norm: norm!, qkv: qkv!, proj: proj! }, 2, 1e-3);
    },
    [[2, 5, 6], [6], [6], [18, 6], [18], [6, 6], [6]],
  ],
  [
    'mlpBlock',
    (x, ...rest) => {
      const [norm, fc1, fc2] = affines(rest);
      return mlpBlock(x!, { norm: norm!, fc1: fc1!, fc2: fc2! }, 1e-3);
    },
    [[2, 5, 6], [6], [6], [9, 6], [9], [6, 9], [6]],
  ],
  [
    'batchNorm',
    (x, w, b) => batchNorm(x!, w!, b!, { mean: tf.fill([5], 0.3), variance: tf.fill([5], 0.7), eps: 1e-3 }),
    [[2, 3, 4, 5], [5], [5]],
  ],
  [
    'batchNormTraining',
    (x, w, b) =>
      batchNormTraining(x!, w!, b!, { mean: tf.zeros([5]), variance: tf.ones([5]), eps: 1e-3, momentum: 0.1 })
        .y,
    [[2, 3, 4, 5], [5], [5]],
  ],
  ['crossEntropy', (x) => crossEntropy(x!, tf.tensor1d([2, 0, 4], 'int32')), [[3, 5]]],
  [
    'lsq',
    (x, before, after) =>
      lsq(
        x!,
        tf.fill([6], 0.7),
        { inner: 5, low: -2, high: 1, gradientScale: 0.1 },
        { before: before!, after: after! },
      ),
    [[4, 6, 5], [5], [5]],
  ],
  ['statsq', (w) => statsq(w!, { bits: 2, groups: 4, inner: 9 }), [[4, 9]]],
  [
    'mergeQueryKey',
    (query, key) => mergeQueryKey(query!, key!, 2),
    [
      [6, 5],
      [6, 5],
    ],
  ],
  [
    'quantizedAttention',
    (q, k, v) =>
      quantizedAttention(q!, k!, v!, tf.fill([5], 0.3), {
        heads: 2,
        scale: 0.4,
        high: 3,
        gradientScale: 0.1,
      }),
    [
      [2, 5, 6],
      [2, 5, 6],
      [2, 5, 8],
    ],
  ],
])('on WebGL, value and gradients of %s are those of the cpu backend', async (_, run, shapes) => {
  await compare((inputs) => {
    const value = run(...inputs);
    return [value, ...tf.grads(run)(inputs, waves(value.shape, 9))];
  }, shapes);
});

it('on WebGL, the optimizers and the norm of gradients are those of the cpu backend', async () => {
  const shape = [3, 5];
  await compare(
    ([p, g, m]) => {
      const norm = globalNorm([p!, g!]);
      const descent = sgdStep(
        { parameters: [tf.clone(p!)], gradients: [tf.clone(g!)], momentumBuffers: [tf.clone(m!)] },
        { learningRate: 0.1, momentum: 0.9, weightDecay: 0.01 },
      );
      const adam = adamwStep(
        { parameters: [p!], gradients: [g!], expAvgs: [m!], expAvgSqs: [tf.ones(shape)] },
        { learningRate: 0.1, step: 3, betas: [0.9, 0.999], eps: 1e-8, weightDecays: [0.05] },
      );
      return [
        norm,
        ...descent.parameters,
        ...descent.momentumBuffers!,
        ...adam.parameters,
        ...adam.expAvgs,
        ...adam.expAvgSqs,
      ];
    },
    [shape, shape, shape],
  );
});
