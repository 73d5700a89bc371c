import '@proj/ops/gradients';
import { crossEntropy } from '@proj/ops';
import { random } from '@proj/random';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { drawn, drawnParameters, tinyConfig, toTensor, toTensors } from '../test/models.ts';
import { describeEverywhere } from '../test/places.ts';
import { type Array64, type Parameters64, referenceLayers } from '../test/reference-layers.ts';
import { floatLayers, initVit, VitError, vit, vitConfig, vitOutputs } from './index.ts';

const targets = [2, 0];
const values = drawnParameters(tinyConfig, 11);
const images = drawn(12, 'images', [2, 2, 8, 8], 1);

/** Cross-entropy of the cls head plus that of the dist head, in float64. */
function referenceLoss(parameters: Parameters64, input: Array64): number {
  const outputs = vitOutputs(tinyConfig, referenceLayers(parameters), input);
  return outputs.reduce((total, { shape, data }) => {
    const classes = shape[1]!;
    const losses = targets.map((target, i) => {
      const row = data.subarray(i * classes, (i + 1) * classes);
      return Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0)) - row[target]!;
    });
    return total + losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  }, 0);
}

/** (f(x + h) - f(x - h)) / 2h in one number of one array. */
function centralDifference(array: Array64, index: number, loss: () => number): number {
  const kept = array.data[index]!;
  const h = 1e-5;
  array.data[index] = kept + h;
  const above = loss();
  array.data[index] = kept - h;
  const below = loss();
  array.data[index] = kept;
  return (above - below) / (2 * h);
}

const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0);

describeEverywhere('floatLayers', () => {
  it('gives the logits of the same model written as float64 loops', () => {
    for (const config of [tinyConfig, { ...tinyConfig, distilled: false }]) {
      const parameters = drawnParameters(config, 5);
      const expected = vit(config, referenceLayers(parameters), images);
      const actual = tf.tidy(() =>
        vit(config, floatLayers(toTensors(parameters)), toTensor(images)).dataSync(),
      );
      expect(actual).toHaveLength(expected.data.length);
      expect(largestDifference(actual, expected.data)).toBeLessThan(1e-5);
    }
  });

  it('averages the two heads of a distilled model, and hands them out one by one', () => {
    tf.tidy(() => {
      const layers = floatLayers(toTensors(values));
      const input = toTensor(images);
      const [cls, dist] = vitOutputs(tinyConfig, layers, input) as [tf.Tensor, tf.Tensor];
      const mean = vit(tinyConfig, layers, input);
      expect(mean.shape).toEqual([2, 3]);
      expect(largestDifference(mean.dataSync(), tf.div(tf.add(cls, dist), 2).dataSync())).toBe(0);
      expect(largestDifference(cls.dataSync(), dist.dataSync())).toBeGreaterThan(0.01);
    });
  });

  it('puts cls first, dist second and the patches row by row after them', () => {
    tf.tidy(() => {
      const parameters = toTensors(values);
      const specs: Parameters<ReturnType<typeof floatLayers>['embed']>[1][] = [];
      const layers = floatLayers(parameters);
      let tokens: tf.Tensor | undefined;
      const spying = {
        ...layers,
        embed: (x: tf.Tensor, at: (typeof specs)[number]) => {
          specs.push(at);
          tokens = layers.embed(x, at);
          return tokens;
        },
      };
      vit(tinyConfig, spying, toTensor(images));
      expect(specs[0]?.tokens).toEqual(['cls_token', 'dist_token']);
      const [cls, dist, first] = tf
        .split(tf.sub(tokens!, parameters.get('pos_embed')!), 6, 1)
        .map((token) => tf.slice(token, [1, 0, 0], [1, 1, 8]).dataSync());
      expect(largestDifference(cls!, values.get('cls_token')!.data)).toBeLessThan(1e-6);
      expect(largestDifference(dist!, values.get('dist_token')!.data)).toBeLessThan(1e-6);
      const topLeft = tf.slice(toTensor(images), [1, 0, 0, 0], [1, 2, 4, 4]);
      const expected = tf.add(
        tf.sum(tf.mul(topLeft, parameters.get('patch_embed.proj.weight')!), [1, 2, 3]),
        parameters.get('patch_embed.proj.bias')!,
      );
      expect(largestDifference(first!, expected.dataSync())).toBeLessThan(1e-5);
    });
  });

  it('sends the right gradient to the images and to every parameter', () => {
    const names = [...values.keys()];
    const parameters = toTensors(values);
    const input = toTensor(images);
    const labels = tf.tensor1d(targets, 'int32');
    const { value, grads } = tf.valueAndGrads((pixels: tf.Tensor, ...live: tf.Tensor[]) => {
      const layers = floatLayers(new Map(names.map((name, i) => [name, live[i]!])));
      const losses = vitOutputs(tinyConfig, layers, pixels).map((logits) => crossEntropy(logits, labels));
      return losses.reduce((a, b) => tf.add(a, b)) as tf.Scalar;
    })([input, ...parameters.values()]);
    expect(value.dataSync()[0]).toBeCloseTo(referenceLoss(values, images), 5);

    const checked: [string, Array64][] = [['images', images], ...values];
    for (const [i, [name, array]] of checked.entries()) {
      const gradient = grads[i]!.dataSync();
      expect(grads[i]!.shape, name).toEqual(array.shape);
      expect(largestDifference(gradient, new Float32Array(gradient.length)), name).toBeGreaterThan(1e-4);
      const draws = random(13, name);
      for (let repeat = 0; repeat < 4; repeat++) {
        const index = draws.integer(array.data.length);
        const expected = centralDifference(array, index, () => referenceLoss(values, images));
        expect(Math.abs(gradient[index]! - expected), `${name}[${index}]`).toBeLessThan(
          2e-6 + 2e-5 * Math.abs(expected),
        );
      }
    }
    tf.dispose([value, grads, input, labels, [...parameters.values()]]);
  });

  it('leaves one tensor a layer, and none in tf.tidy', () => {
    const parameters = toTensors(values);
    const input = toTensor(images);
    const start = tf.memory().numTensors;
    const logits = tf.tidy(() => {
      const logits = vit(tinyConfig, floatLayers(parameters), input);
      expect(tf.memory().numTensors - start).toBe(2 + 2 * tinyConfig.depth);
      return logits;
    });
    expect(tf.memory().numTensors - start).toBe(1);
    tf.dispose([logits, input, [...parameters.values()]]);
  });

  it('refuses images of another size and names a parameter that is missing', () => {
    const run = (shape: number[], parameters: Map<string, tf.Tensor>) => () =>
      tf.tidy(() => vit(tinyConfig, floatLayers(parameters), tf.zeros(shape)));
    const parameters = toTensors(values);
    expect(run([2, 8, 8, 2], parameters)).toThrow(
      expect.objectContaining({
        code: 'VIT_INPUT_SHAPE',
        message: expect.stringContaining('[2,8,8,2], expected [B, 2, 8, 8]'),
      }),
    );
    const less = new Map(parameters);
    less.delete('blocks.1.norm2.bias');
    const missing = run([1, 2, 8, 8], less);
    expect(missing).toThrow(VitError);
    expect(missing).toThrow(
      expect.objectContaining({
        code: 'VIT_PARAMETER_MISSING',
        message: expect.stringContaining('blocks.1.norm2.bias'),
      }),
    );
    tf.dispose([...parameters.values()]);
  });
});

describe('the published configurations', () => {
  it('run on the small models at their own sizes', async () => {
    await tf.setBackend('wasm');
    for (const name of ['vit_digits_28', 'vit_cifar_32']) {
      const config = vitConfig(name);
      const shape = tf.tidy(() => {
        const images = tf.ones([2, config.channels, config.imageSize, config.imageSize]);
        return vit(config, floatLayers(initVit(config, 1)), images).shape;
      });
      expect(shape).toEqual([2, 10]);
    }
  });
});
