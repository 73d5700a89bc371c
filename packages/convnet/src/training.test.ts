import '@proj/ops/gradients';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { drawnBatch, drawnTensors, golden, smallConfigs } from '../test/golden.ts';
import { describeEverywhere } from '../test/places.ts';
import { type ConvnetConfig, convnet, floatLayers, separateBuffers, trainingForward } from './index.ts';

const values = (tensor: tf.Tensor) => [...tensor.dataSync()];

describeEverywhere('the forward pass in training', () => {
  const config: ConvnetConfig = smallConfigs.resnet_bottleneck;

  it('moves running statistics by the momentum, and leaves the given ones alone', () => {
    tf.tidy(() => {
      const { parameters, buffers } = separateBuffers(drawnTensors(config));
      const { images } = drawnBatch(config, golden.small.resnet_bottleneck);
      const before = new Map([...buffers].map(([name, buffer]) => [name, values(buffer)]));
      const after = (momentum: number) =>
        trainingForward(config, parameters, buffers, images, { momentum }).buffers;
      const [none, half, whole] = [after(0), after(0.5), after(1)];
      for (const [name, buffer] of buffers) {
        expect(values(buffer)).toEqual(before.get(name));
        if (name.endsWith('num_batches_tracked')) {
          expect(values(half.get(name)!)).toEqual([4]);
          expect(half.get(name)!.dtype).toBe('int32');
          continue;
        }
        for (const [i, start] of before.get(name)!.entries()) {
          expect(values(none.get(name)!)[i]).toBeCloseTo(start, 6);
          expect(values(half.get(name)!)[i]).toBeCloseTo((start + values(whole.get(name)!)[i]!) / 2, 4);
        }
      }
    });
  });

  it('takes buffers without counts of batches, as older files have them', () => {
    tf.tidy(() => {
      const { parameters, buffers } = separateBuffers(drawnTensors(config));
      const { images } = drawnBatch(config, golden.small.resnet_bottleneck);
      const uncounted = new Map([...buffers].filter(([name]) => !name.endsWith('num_batches_tracked')));
      const { buffers: next } = trainingForward(config, parameters, uncounted, images);
      expect([...next.keys()]).toEqual([...uncounted.keys()]);
    });
  });

  it('of a model without normalisation is that of evaluation, and hands back the buffers themselves', () => {
    tf.tidy(() => {
      const { parameters, buffers } = separateBuffers(drawnTensors(smallConfigs.vgg));
      const { images } = drawnBatch(smallConfigs.vgg, golden.small.vgg);
      const step = trainingForward(smallConfigs.vgg, parameters, buffers, images);
      expect(step.buffers).toBe(buffers);
      const evaluated = convnet(smallConfigs.vgg, floatLayers(parameters), images);
      expect(values(step.logits)).toEqual(values(evaluated));
    });
  });

  it('drops a share of the hidden values by its seed, and scales the others up', () => {
    const head = { pool: 1, hidden: [2000], dropout: 0.25 };
    const dropping: ConvnetConfig = { ...smallConfigs.vgg, head };
    tf.tidy(() => {
      const drawn = drawnTensors(dropping);
      // Hidden values of 1 and an output that counts them.
      drawn.set('classifier.0.weight', tf.zeros([2000, 6]));
      drawn.set('classifier.0.bias', tf.ones([2000]));
      drawn.set('classifier.3.weight', tf.ones([5, 2000]));
      drawn.set('classifier.3.bias', tf.zeros([5]));
      const { parameters, buffers } = separateBuffers(drawn);
      const { images } = drawnBatch(dropping, golden.small.vgg);
      const logits = (dropoutSeed: number) =>
        values(trainingForward(dropping, parameters, buffers, images, { dropoutSeed }).logits);
      expect(values(convnet(dropping, floatLayers(parameters), images))).toEqual(Array(15).fill(2000));
      expect(logits(1)).toEqual(logits(1));
      expect(logits(1)).not.toEqual(logits(2));
      for (const sum of logits(1)) {
        const kept = (sum * 0.75) / 2000;
        expect(kept).toBeGreaterThan(0.7);
        expect(kept).toBeLessThan(0.8);
      }
      expect(new Set(logits(1)).size, 'each image draws for itself').toBeGreaterThan(1);
      expect(() => trainingForward(dropping, parameters, buffers, images)).toThrow(
        expect.objectContaining({ code: 'CONVNET_OPTION_INVALID' }),
      );
    });
  });

  it('leaves the logits and the new buffers, and no other tensor', () => {
    const drawn = drawnTensors(config);
    const { parameters, buffers } = separateBuffers(drawn);
    const { images, targets } = drawnBatch(config, golden.small.resnet_bottleneck);
    const before = tf.memory().numTensors;
    const { logits, buffers: next } = trainingForward(config, parameters, buffers, images);
    expect(tf.memory().numTensors - before).toBe(1 + buffers.size);
    tf.dispose([...drawn.values(), images, targets, logits, ...next.values()]);
  });

  it('names the tensor that is missing, and images of another size', () => {
    tf.tidy(() => {
      const { parameters, buffers } = separateBuffers(drawnTensors(config));
      const images = tf.zeros([1, 3, 32, 32]);
      expect(() => trainingForward(config, parameters, new Map(), images)).toThrow(
        expect.objectContaining({
          code: 'CONVNET_TENSOR_MISSING',
          message: expect.stringContaining('bn1.running_mean'),
        }),
      );
      expect(() => convnet(config, floatLayers(new Map(), buffers), images)).toThrow('conv1.weight');
      for (const wrong of [
        tf.zeros([1, 32, 32, 3]),
        tf.zeros([1, 3, 32, 32], 'int32'),
        tf.zeros([3, 32, 32]),
      ]) {
        expect(() => convnet(config, floatLayers(parameters, buffers), wrong)).toThrow(
          expect.objectContaining({ code: 'CONVNET_INPUT_SHAPE' }),
        );
      }
    });
  });

  it('takes maxima as if minus infinity stood around the map', () => {
    tf.tidy(() => {
      const layers = floatLayers(new Map());
      const map = tf.reshape(tf.range(-1, -10), [1, 3, 3, 1]);
      const pooled = layers.maxPool(map, { kernel: 3, stride: 2, padding: 1 });
      expect(values(pooled)).toEqual([-1, -2, -4, -5]);
    });
  });

  it('has shortcuts of option A: every second pixel between zeros', () => {
    tf.tidy(() => {
      const layers = floatLayers(new Map());
      const map = tf.reshape(tf.range(0, 32), [1, 4, 4, 2]);
      const short = layers.subsample(map, { side: 4, inChannels: 2, padding: 1 });
      expect(short.shape).toEqual([1, 2, 2, 4]);
      expect(values(short)).toEqual([0, 0, 1, 0, 0, 4, 5, 0, 0, 16, 17, 0, 0, 20, 21, 0]);
    });
  });
});
