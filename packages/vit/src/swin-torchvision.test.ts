import '@proj/ops/gradients';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { drawnValues, drawnWeights, golden, tinySwin, unpacked } from '../test/golden-swin.ts';
import { toTensor, toTensors } from '../test/models.ts';
import { describeEverywhere, places } from '../test/places.ts';
import { floatSwinLayers, type SwinConfig, swin, swinConfigs } from './index.ts';

const swinT: SwinConfig = swinConfigs.swin_t;

const largest = (values: ArrayLike<number>) =>
  Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  largest(Array.from(a, (value, i) => value - b[i]!));

const images = (config: SwinConfig, count: number) => {
  const { data, shape } = drawnValues(`${config.name}.images`, [
    count,
    config.channels,
    config.imageSize,
    config.imageSize,
  ]);
  return toTensor({ shape, data: data.map((value) => 2 * value) });
};

/** The logits of two images, and the gradients of their sum with weights of their own, by name. */
function valueAndGradients(config: SwinConfig): [logits: Float32Array, gradients: Map<string, Float32Array>] {
  const parameters = toTensors(drawnWeights(config));
  const names = ['images', ...parameters.keys()];
  const inputs = [images(config, 2), ...parameters.values()];
  const dy = toTensor(drawnValues(`${config.name}.dy`, [2, config.classes]));
  const { value, grads } = tf.valueAndGrads((pixels: tf.Tensor, ...live: tf.Tensor[]) =>
    swin(config, floatSwinLayers(new Map(live.map((tensor, i) => [names[i + 1]!, tensor]))), pixels),
  )(inputs, dy);
  const results = [value, ...grads].map((tensor) => tensor.dataSync<'float32'>());
  grads.forEach((gradient, i) => {
    expect(gradient.shape, names[i]).toEqual(inputs[i]!.shape);
  });
  tf.dispose([inputs, dy, value, grads]);
  return [results[0]!, new Map(names.map((name, i) => [name, results[i + 1]!]))];
}

describeEverywhere("torchvision's Swin Transformer", (place) => {
  it('has the same logits and the same gradient of the images and every parameter, in small', () => {
    const [logits, gradients] = valueAndGradients(tinySwin);
    expect(largestDifference(logits, unpacked(golden.tiny.logits))).toBeLessThan(1e-5);
    expect([...gradients.keys()]).toEqual(Object.keys(golden.tiny.gradients));
    for (const [name, gradient] of gradients) {
      const expected = unpacked(golden.tiny.gradients[name]!);
      expect(gradient.length, name).toBe(expected.length);
      expect(largest(expected), name).toBeGreaterThan(1e-3);
      expect(largestDifference(gradient, expected) / largest(expected), name).toBeLessThan(2e-5);
    }
  });

  const onStockKernels = () => {
    const parameters = toTensors(drawnWeights(swinT));
    const logits = tf.tidy(() => swin(swinT, floatSwinLayers(parameters), images(swinT, 1)).dataSync());
    tf.dispose([...parameters.values()]);
    expect(largestDifference(logits, unpacked(golden.swin_t.logits).subarray(0, 1000))).toBeLessThan(5e-5);
  };

  const onOurKernels = () => {
    const [logits, gradients] = valueAndGradients(swinT);
    expect(largestDifference(logits, unpacked(golden.swin_t.logits))).toBeLessThan(5e-5);
    expect([...gradients.keys()]).toEqual(Object.keys(golden.swin_t.gradients));
    for (const [name, gradient] of gradients) {
      const [norm, along] = golden.swin_t.gradients[name]!;
      const direction = drawnValues(`direction.${name}`, [gradient.length]).data;
      const square = gradient.reduce((sum, value) => sum + value ** 2, 0);
      const product = direction.reduce((sum, value, i) => sum + value * gradient[i]!, 0);
      expect(Math.abs(Math.sqrt(square) / norm - 1), name).toBeLessThan(1e-5);
      expect(Math.abs(product - along) / norm, name).toBeLessThan(2e-5);
    }
  };

  // tfjs's cpu backend would take minutes.
  if (place === places.wasm) it('has the same logits as Swin-T', { timeout: 120_000 }, onStockKernels);
  if (place === places.kernels)
    it('has the same logits and gradients as Swin-T', { timeout: 120_000 }, onOurKernels);
});
