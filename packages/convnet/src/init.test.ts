import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { type ConvnetConfig, checkTensors, convnetConfigs, convnetTensors, initConvnet } from './index.ts';

const { resnet18, resnet20, vgg11_bn_cifar } = convnetConfigs;
const small: Record<string, ConvnetConfig> = {
  torchvisionResNet: { ...resnet18, imageSize: 32, widths: [16, 32], depths: [1, 1], classes: 50 },
  akamaster: { ...resnet20, classes: 50 },
  vgg: { ...vgg11_bn_cifar, stages: [[16], [32]], head: { pool: 2, hidden: [64], dropout: 0.5 } },
};

function bits(config: ConvnetConfig, seed: number): Map<string, Float32Array> {
  const { parameters, buffers } = initConvnet(config, seed);
  const all = [...parameters, ...buffers];
  const values = all.map(([name, tensor]) => [name, Float32Array.from(tensor.dataSync())] as const);
  tf.dispose(all.map(([, tensor]) => tensor));
  return new Map(values);
}

const deviation = (values: Float32Array) =>
  Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);

describe('initConvnet', () => {
  it.each(Object.entries(small))('makes exactly the tensors of the model, and no other (%s)', (_, config) => {
    const before = tf.memory().numTensors;
    const { parameters, buffers } = initConvnet(config, 1);
    expect(tf.memory().numTensors - before).toBe(parameters.size + buffers.size);
    checkTensors(config, new Map([...parameters, ...buffers]));
    for (const [name, { dtype }] of [...parameters, ...buffers]) {
      expect(dtype, name).toBe(name.endsWith('num_batches_tracked') ? 'int32' : 'float32');
    }
    tf.dispose([...parameters.values(), ...buffers.values()]);
  });

  it.each(Object.entries(small))('draws as the reference code of the model does (%s)', (kind, config) => {
    const drawn = bits(config, 3);
    for (const { name, shape, role } of convnetTensors(config)) {
      const values = drawn.get(name)!;
      const [outputs, inputs, kernel = 1] = shape;
      const isWeight = name.endsWith('.weight');
      const close = (expected: number) =>
        expect(Math.abs(deviation(values) / expected - 1), name).toBeLessThan(
          4 / Math.sqrt(2 * values.length),
        );
      const constant = (value: number) => expect(new Set(values), name).toEqual(new Set([value]));
      const uniform = (bound: number) => {
        expect(Math.max(...values.map(Math.abs)), name).toBeLessThanOrEqual(Math.fround(bound));
        expect(Math.abs(deviation(values) / (bound / Math.sqrt(3)) - 1), name).toBeLessThan(0.2);
      };
      if (role === 'norm') constant(isWeight ? 1 : 0);
      else if (role === 'statistic') constant(name.endsWith('running_var') ? 1 : 0);
      else if (role === 'counter') constant(0);
      else if (role !== 'head' && !isWeight) constant(0);
      else if (role !== 'head') {
        close(Math.sqrt(2 / ((kind === 'akamaster' ? inputs! : outputs!) * kernel ** 2)));
      } else if (kind === 'vgg') isWeight ? close(0.01) : constant(0);
      else if (kind === 'akamaster' && isWeight) close(Math.sqrt(2 / 64));
      else uniform(1 / Math.sqrt(kind === 'akamaster' ? 64 : 32));
    }
  });

  it('repeats every bit for the same seed, and none of the draws for another', () => {
    const config = small['akamaster']!;
    const [first, again, other] = [bits(config, 7), bits(config, 7), bits(config, 8)];
    expect(again).toEqual(first);
    for (const { name, role } of convnetTensors(config)) {
      if (role === 'conv' || role === 'head') expect(other.get(name), name).not.toEqual(first.get(name));
    }
  });

  it('draws each parameter from its own stream, so that another head shares the features', () => {
    const config = small['akamaster']!;
    const [first, other] = [bits(config, 7), bits({ ...config, classes: 10 }, 7)];
    expect(other.get('layer3.2.conv2.weight')).toEqual(first.get('layer3.2.conv2.weight'));
  });
});
