import '@proj/ops/gradients';
import '@proj/wasm-kernels/install';
import { fromTensors } from '@proj/tensor-io/tfjs';
import { initVit } from '@proj/vit';
import { calibrate, ofqPlan, type QuantizedDesign } from '@proj/vit/quantized';
import { dispose, ones, setBackend, slice, type Tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { config, halves } from '../../test/halves.mjs';
import { toTensorBatch } from '../batch.ts';
import { quantizationGradients } from './gradients.ts';

beforeAll(() => setBackend('wasm'));

describe('gradients of two shards', () => {
  it.each<[string, Pick<QuantizedDesign, 'weights' | 'attention'>]>([
    ['StatsQ with QKR', { weights: 'statsq', attention: 'qkr' }],
    ['LSQ with QKR', { weights: 'lsq', attention: 'qkr' }],
    ['LSQ without', { weights: 'lsq', attention: 'plain' }],
  ])('of %s make up those of the batch, also of the steps of activations', async (_, kind) => {
    const design = { plan: ofqPlan(config, 2), ...kind };
    const dataset = halves(12, 3);
    const indices = Array.from({ length: 12 }, (_, i) => i);
    const { images, targets } = toTensorBatch(
      { images: await dataset.images(indices), labels: dataset.labels },
      config,
    );
    const float = initVit(config, 4);
    const { parameters, buffers } = calibrate(config, design, float, images);
    buffers.set('patch_embed.proj.input_quant_fn.signed', ones([1]));
    const teacher = { config, state: await fromTensors(float) };
    const loss = { config, design, teacher, labels: 'data', batchSize: 12 } as const;
    const { valueAndGradients, close } = quantizationGradients(loss);
    const of = async (from: number, count: number) => {
      const shard = { images: slice(images, from, count), targets: slice(targets, from, count) };
      const { gradients } = await valueAndGradients(parameters, buffers, shard);
      return new Map([...gradients].map(([name, gradient]: [string, Tensor]) => [name, gradient.dataSync()]));
    };
    const [whole, large, small] = [await of(0, 12), await of(0, 8), await of(8, 4)];
    for (const [name, values] of whole) {
      // Nothing but rounding noise.
      if (name.includes('move_qkx_')) continue;
      const [a, b] = [large.get(name)!, small.get(name)!];
      const scale = Math.max(...Array.from(values, Math.abs));
      const worst = Math.max(
        ...Array.from(values, (value, i) => Math.abs(value - (8 * a[i]! + 4 * b[i]!) / 12)),
      );
      expect(worst, name).toBeLessThanOrEqual(2e-5 * scale + 1e-7);
    }
    await close();
    dispose([images, targets, ...float.values(), ...parameters.values(), ...buffers.values()]);
  });
});
