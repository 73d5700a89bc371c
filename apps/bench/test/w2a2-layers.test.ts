import '@proj/ops/gradients';
import '@proj/wasm-kernels/install';
import { ofqCase } from '@proj/fixtures';
import { crossEntropy, tapeGradients } from '@proj/trainer';
import { initVit, type VitConfig, vit, vitConfigs } from '@proj/vit';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { parameterOf } from '../src/kernels/quantized-parts.ts';
import { quantizedLayers, quantizedParameters } from '../src/kernels/w2a2-layers.ts';

const config: VitConfig = {
  ...vitConfigs.deit_tiny_distilled_patch16_224,
  ...{ imageSize: 32, patchSize: 8, embedDim: 24, depth: 2, heads: 3, mlpRatio: 2, classes: 5 },
};

it('quantizing a float model gives the parameters of the reference code, which all learn', async () => {
  await tf.setBackend('wasm');
  const float = initVit(config, 1);
  const parameters = quantizedParameters(config, float);
  const reference = [...ofqCase('model_deit_qkr_w2a2').tensors]
    .filter(([name]) => name.startsWith('param.'))
    .map(([name, { shape }]) => [name.slice('param.'.length), shape]);
  const shapes = new Map([...parameters].map(([name, { shape }]) => [name, shape]));
  expect(shapes).toEqual(new Map(reference as [string, number[]][]));

  const images = tf.randomNormal([2, 3, 32, 32], 0, 1, 'float32', 3);
  const targets = tf.tensor1d([1, 3], 'int32');
  tf.dispose([...float.values()]); // The quantized model's are its own.
  const step = tapeGradients((parameters, _, { images, targets }) =>
    crossEntropy(vit(config, quantizedLayers(parameters, 2), images), targets),
  );
  const before = tf.memory().numTensors;
  const { loss, gradients } = step(parameters, new Map(), { images, targets });
  expect(loss.dataSync()[0]).toBeGreaterThan(0);
  for (const [name, gradient] of gradients) {
    const values = [...gradient.dataSync()];
    expect(values.every(Number.isFinite), name).toBe(true);
    // Offsets before a quantizer learn from what it clips only, those of keys after it not at all: a softmax does not see them.
    if (!/move_(b4|\w+_b4|qkx_aft)\.bias$/.test(name))
      expect(
        values.some((value) => value !== 0),
        name,
      ).toBe(true);
  }
  tf.dispose([loss, ...gradients.values()]);
  expect(tf.memory().numTensors).toBe(before);
});

it('a missing parameter is named', () => {
  expect(() => parameterOf(new Map())('head.weight')).toThrow(
    'there is no parameter head.weight among the 0 given',
  );
});
