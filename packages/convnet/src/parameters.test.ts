import { describe, expect, it } from 'vitest';
import {
  type ConvnetConfig,
  checkTensors,
  convnetBuffers,
  convnetConfig,
  convnetConfigs,
  convnetParameters,
  convnetTensors,
  convnetUnits,
  type NamedShapes,
  separateBuffers,
} from './forward.ts';

const product = (shape: readonly number[]) => shape.reduce((size, dimension) => size * dimension, 1);
const shapes = (config: ConvnetConfig): Map<string, { shape: readonly number[] }> =>
  new Map(convnetTensors(config).map(({ name, shape }) => [name, { shape }]));

/** Trained values in the first k units. */
function covered(config: ConvnetConfig, k: number): number {
  const names = new Set(convnetUnits(config).slice(0, k).flat());
  return convnetParameters(config)
    .filter(({ name }) => names.has(name))
    .reduce((sum, { shape }) => sum + product(shape), 0);
}

describe('the parameters', () => {
  it.each([
    ['vgg11', 132_863_336],
    ['vgg11_bn', 132_868_840],
    ['vgg16', 138_357_544],
    ['vgg16_bn', 138_365_992],
    ['vgg16_cifar', 14_719_818],
    ['resnet20', 269_722],
    ['resnet56', 853_018],
    ['resnet18', 11_689_512],
    ['resnet50', 25_557_032],
  ])('of %s are %i', (name, count) => {
    const parameters = convnetParameters(convnetConfig(name));
    expect(parameters.reduce((sum, { shape }) => sum + product(shape), 0)).toBe(count);
  });

  it('and buffers make up the tensors, and separateBuffers parts them by name', () => {
    for (const config of Object.values<ConvnetConfig>(convnetConfigs)) {
      const { parameters, buffers } = separateBuffers(shapes(config));
      expect([...parameters.keys()]).toEqual(convnetParameters(config).map(({ name }) => name));
      expect([...buffers.keys()]).toEqual(convnetBuffers(config).map(({ name }) => name));
    }
  });
});

describe('units', () => {
  // Cai et al. 2023: the sizes of signatures that cover the first k units.
  it.each([
    ['vgg16_cifar', 3, 112_576],
    ['vgg16_cifar', 6, 1_145_408],
    ['vgg16_cifar', 7, 1_735_488],
    ['vgg16_cifar', 13, 14_714_688],
    ['resnet50', 2, 84_544],
    ['resnet50', 4, 225_344],
    ['resnet50', 5, 604_736],
    ['resnet50', 8, 1_444_928],
    ['resnet50', 14, 8_543_296],
  ])('of %s: the first %i have %i parameters', (name, k, count) => {
    expect(covered(convnetConfig(name), k)).toBe(count);
  });

  it('are the convolutions of a VGG, each with its bias and its normalisation', () => {
    expect(convnetUnits(convnetConfigs.vgg16)).toHaveLength(13);
    expect(convnetUnits(convnetConfigs.vgg11_bn).slice(0, 2)).toEqual([
      [
        'features.0.weight',
        'features.0.bias',
        'features.1.weight',
        'features.1.bias',
        'features.1.running_mean',
        'features.1.running_var',
      ],
      [
        'features.4.weight',
        'features.4.bias',
        'features.5.weight',
        'features.5.bias',
        'features.5.running_mean',
        'features.5.running_var',
      ],
    ]);
  });

  it('are the stem and the blocks of a ResNet, with the projection of a shortcut', () => {
    expect(convnetUnits(convnetConfigs.resnet20)).toHaveLength(10);
    expect(convnetUnits(convnetConfigs.resnet56)).toHaveLength(28);
    const units = convnetUnits(convnetConfigs.resnet50);
    expect(units).toHaveLength(17);
    expect(units[0]).toEqual(['conv1.weight', ...norm('bn1')]);
    expect(units[1]).toEqual([
      ...[1, 2, 3].flatMap((i) => [`layer1.0.conv${i}.weight`, ...norm(`layer1.0.bn${i}`)]),
      'layer1.0.downsample.0.weight',
      ...norm('layer1.0.downsample.1'),
    ]);
    expect(units[2]!.some((name) => name.includes('downsample'))).toBe(false);
  });

  it('hold every tensor once, but for counts of batches and the head', () => {
    for (const config of Object.values<ConvnetConfig>(convnetConfigs)) {
      const inUnits = convnetUnits(config).flat();
      const expected = convnetTensors(config).filter(({ role }) => role !== 'head' && role !== 'counter');
      expect(inUnits).toEqual(expected.map(({ name }) => name));
      for (const { name, unit, role } of convnetTensors(config)) {
        if (role === 'counter') continue;
        expect(unit === null ? 'head' : convnetUnits(config)[unit]!.includes(name), name).toBe(
          role === 'head' ? 'head' : true,
        );
      }
    }
  });

  it('say what is a normalisation and what a shortcut, also where names do not', () => {
    const roles = (config: ConvnetConfig) =>
      new Map(convnetTensors(config).map(({ name, role }) => [name, role]));
    expect(roles(convnetConfigs.vgg11_bn).get('features.1.weight')).toBe('norm');
    expect(roles(convnetConfigs.vgg11_bn).get('classifier.6.bias')).toBe('head');
    const resnet = roles(convnetConfigs.resnet18);
    expect(resnet.get('layer2.0.downsample.0.weight')).toBe('downsample');
    expect(resnet.get('layer2.0.downsample.1.weight')).toBe('norm');
    expect(resnet.get('layer2.0.downsample.1.running_var')).toBe('statistic');
    expect(resnet.get('bn1.num_batches_tracked')).toBe('counter');
  });
});

const norm = (prefix: string) =>
  ['weight', 'bias', 'running_mean', 'running_var'].map((name) => `${prefix}.${name}`);

describe('checkTensors', () => {
  const config = convnetConfigs.resnet20;

  it('takes the tensors in any order, with and without counts of batches', () => {
    const all = shapes(config);
    checkTensors(config, all);
    const reversed = [...all].toReversed().filter(([name]) => !name.endsWith('num_batches_tracked'));
    checkTensors(config, new Map(reversed));
  });

  it('names everything that is missing, misshapen or unexpected', () => {
    const tensors = shapes(config);
    tensors.delete('conv1.weight');
    tensors.delete('bn1.running_var');
    tensors.set('linear.bias', { shape: [100] });
    tensors.set('fc.bias', { shape: [10] });
    expect(() => checkTensors(config, tensors)).toThrow(
      expect.objectContaining({
        code: 'CONVNET_TENSORS_MISMATCH',
        problems: [
          'conv1.weight [16,3,3,3] is missing',
          'bn1.running_var [16] is missing',
          'linear.bias is [100], expected [10]',
          'fc.bias [10] is not a tensor of this model',
        ],
      }),
    );
  });

  it('knows what DataParallel does to names', () => {
    const wrapped: NamedShapes = new Map(
      [...shapes(config)].map(([name, shape]) => [`module.${name}`, shape]),
    );
    expect(() => checkTensors(config, wrapped)).toThrow('strip the prefix "module."');
  });
});
