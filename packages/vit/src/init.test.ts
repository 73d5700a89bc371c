import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { checkParameters, initVit, vitConfigs } from './index.ts';

const spread = (values: ArrayLike<number>) => {
  const list = Array.from(values);
  const mean = list.reduce((sum, value) => sum + value, 0) / list.length;
  return {
    mean,
    deviation: Math.sqrt(list.reduce((sum, value) => sum + (value - mean) ** 2, 0) / list.length),
  };
};

describe('initVit', () => {
  const config = { ...vitConfigs.vit_cifar_32, depth: 1, distilled: true };
  const bits = (seed: number, of = config): Map<string, Float32Array> => {
    const parameters = [...initVit(of, seed)];
    const values = parameters.map(([name, values]) => [name, values.dataSync<'float32'>().slice()] as const);
    tf.dispose(parameters.map(([, values]) => values));
    return new Map(values);
  };

  const same = (a: Map<string, Float32Array>, b: Map<string, Float32Array>, name: string) =>
    Buffer.from(a.get(name)!.buffer).equals(Buffer.from(b.get(name)!.buffer));

  it('makes exactly the parameters of the model, and no other tensor', () => {
    const before = tf.memory().numTensors;
    const parameters = initVit(config, 1);
    expect(tf.memory().numTensors - before).toBe(parameters.size);
    checkParameters(config, parameters);
    expect([...parameters.values()].every(({ dtype }) => dtype === 'float32')).toBe(true);
    tf.dispose([...parameters.values()]);
  });

  it('draws matrices, tokens and positions with deviation 0.02, the patch projection as a PyTorch convolution', () => {
    const bound = 1 / Math.sqrt(48);
    for (const [name, values] of bits(7)) {
      const { mean, deviation } = spread(values);
      if (/norm\d?\.weight$/.test(name))
        expect(
          values.every((value) => value === 1),
          name,
        ).toBe(true);
      else if (name.startsWith('patch_embed.proj')) {
        expect(
          values.every((value) => Math.abs(value) <= bound),
          name,
        ).toBe(true);
        expect(deviation / (bound / Math.sqrt(3)), name).toBeCloseTo(1, 0);
      } else if (name.endsWith('.bias'))
        expect(
          values.every((value) => value === 0),
          name,
        ).toBe(true);
      else {
        expect(Math.abs(mean), name).toBeLessThan((5 * 0.02) / Math.sqrt(values.length));
        expect(Math.abs(deviation / 0.02 - 1), name).toBeLessThan(5 / Math.sqrt(2 * values.length));
      }
    }
  });

  it('repeats every bit for the same seed, and none of the draws for another', () => {
    const [first, again, other] = [bits(7), bits(7), bits(8)];
    for (const name of first.keys()) expect(same(again, first, name), name).toBe(true);
    for (const name of first.keys()) {
      const drawn = !name.includes('norm') && (!name.endsWith('.bias') || name.startsWith('patch_embed'));
      expect(same(other, first, name), name).toBe(!drawn);
    }
  });

  it('draws each parameter from its own stream, so that a deeper model shares its shallow start', () => {
    const [shallow, deep] = [bits(7), bits(7, { ...config, depth: 2, distilled: false })];
    for (const name of ['blocks.0.mlp.fc1.weight', 'head.weight', 'patch_embed.proj.bias']) {
      expect(same(deep, shallow, name), name).toBe(true);
    }
  });
});
