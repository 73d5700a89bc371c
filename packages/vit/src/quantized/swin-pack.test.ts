import '@proj/ops/gradients';
import { parseSafetensors, serializeSafetensors } from '@proj/tensor-io';
import { toTensors } from '@proj/tensor-io/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { drawn, toTensor } from '../../test/models.ts';
import { describeEverywhere } from '../../test/places.ts';
import { type SwinConfig, type SwinLayers, swin } from '../forward.ts';
import {
  frozenSwinLayers,
  ofqPlan,
  packedWeights,
  packModel,
  type QuantizedDesign,
  quantizedParameters,
  quantizedSwinLayers,
  unpackModel,
} from './index.ts';

const config: SwinConfig = {
  name: 'tiny_swin',
  imageSize: 16,
  patchSize: 2,
  channels: 2,
  embedDim: 8,
  depths: [2, 2],
  heads: [2, 4],
  windowSize: 4,
  mlpRatio: 2,
  classes: 3,
  layerNormEps: 1e-5,
  preprocessing: { mean: [0.4, 0.6], std: [0.2, 0.3], interpolation: 'bilinear', cropPct: 1 },
};
const flag = 'features.0.0.input_quant_fn.signed';
const images = drawn(12, 'images', [2, 2, 16, 16], 1);

const logitsOf = (layers: SwinLayers<tf.Tensor>): Float32Array =>
  tf.tidy(() => swin(config, layers, toTensor(images)).dataSync() as Float32Array);

describeEverywhere('a packed Swin Transformer', () => {
  it.each([
    ['statsq', 'qkr'],
    ['lsq', 'plain'],
  ] as const)('has the logits of the latent one (%s, %s)', async (weights, attention) => {
    const design: QuantizedDesign = { plan: ofqPlan(config, 3), weights, attention };
    const parameters = new Map(
      quantizedParameters(config, design).map(({ name, shape }) => {
        const { data } = drawn(7, name, shape);
        const steps = name.endsWith('.s');
        return [
          name,
          toTensor({ shape, data: steps ? data.map((v) => Math.fround(0.1 + Math.abs(v))) : data }),
        ];
      }),
    );
    const buffers = new Map([[flag, tf.tensor1d([1])]]);
    const file = serializeSafetensors(await packModel(config, design, parameters, buffers));
    const unpacked = unpackModel(config, design, parseSafetensors(file).state);
    const frozen = { parameters: toTensors(unpacked.parameters), buffers: toTensors(unpacked.buffers) };
    const expected = logitsOf(quantizedSwinLayers(config, design, parameters, buffers));
    const found = logitsOf(frozenSwinLayers(config, design, frozen.parameters, frozen.buffers));
    const largest = Math.max(...expected.map(Math.abs));
    expect(largest).toBeGreaterThan(0.01);
    found.forEach((logit, i) => {
      expect(Math.abs(logit - expected[i]!)).toBeLessThan(1e-5 * largest);
    });
    const products = packedWeights(config, design).flatMap(({ heads }) => heads ?? []);
    expect(products).toEqual(attention === 'qkr' ? [2, 2, 4, 4] : []);
    for (const map of [parameters, buffers, frozen.parameters, frozen.buffers]) tf.dispose([...map.values()]);
  });
});
