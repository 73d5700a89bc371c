import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-webgl';
import { expect, it } from 'vitest';
import { attention, attentionPacked } from './attention.ts';
import { crossEntropy } from './cross-entropy.ts';
import { gelu } from './gelu.ts';
import { layerNorm } from './layer-norm.ts';
import { linear } from './linear.ts';
import { matMul } from './mat-mul.ts';
import { patchify } from './patchify.ts';
import { softmax } from './softmax.ts';

type Operation = (...inputs: tf.Tensor[]) => tf.Tensor;

/** Value and gradients on a backend, each with its shape. */
async function results(backend: string, run: Operation, shapes: readonly number[][]) {
  expect(await tf.setBackend(backend), `Chromium gives no ${backend} here`).toBe(true);
  const waves = (shape: number[], seed: number): tf.Tensor => {
    const size = shape.reduce((product, length) => product * length, 1);
    return tf.tensor(
      Float32Array.from({ length: size }, (_, i) => 2 * Math.sin((i + 1) * (seed + 0.7))),
      shape,
    );
  };
  return tf.tidy(() => {
    const inputs = shapes.map(waves);
    const value = run(...inputs);
    const gradients = tf.grads(run)(inputs, waves(value.shape, 9));
    return [value, ...gradients].map((tensor) => ({ shape: tensor.shape, values: tensor.dataSync() }));
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
  ['crossEntropy', (x) => crossEntropy(x!, tf.tensor1d([2, 0, 4], 'int32')), [[3, 5]]],
])('on WebGL, value and gradients of %s are those of the cpu backend', async (_, run, shapes) => {
  const expected = await results('cpu', run, shapes);
  const received = await results('webgl', run, shapes);
  expect(tf.env().getBool('WEBGL_RENDER_FLOAT32_ENABLED'), 'the renderer has float32 textures').toBe(true);
  expect(received.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
  received.forEach(({ values }, which) => {
    const wanted = expected[which]!.values;
    const magnitude = Math.max(1, ...wanted.map(Math.abs));
    values.forEach((value, i) => {
      expect(Math.abs(value - wanted[i]!)).toBeLessThan(1e-4 * magnitude);
    });
  });
});
