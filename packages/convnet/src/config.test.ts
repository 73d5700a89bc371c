import { describe, expect, it } from 'vitest';
import {
  type ConvnetConfig,
  checkConfig,
  classNamesFromMetadata,
  configFromMetadata,
  configFromState,
  convnetConfig,
  convnetConfigs,
  convnetMetadata,
  convnetTensors,
} from './forward.ts';

const all = Object.values<ConvnetConfig>(convnetConfigs);
const shapes = (config: ConvnetConfig) =>
  new Map(convnetTensors(config).map(({ name, shape }) => [name, { shape }]));
const code = (expected: string) => expect.objectContaining({ code: expected });

describe('configurations', () => {
  it('are found by their names', () => {
    for (const [name, config] of Object.entries(convnetConfigs)) expect(convnetConfig(name)).toBe(config);
    expect(() => convnetConfig('resnet21')).toThrow(code('CONVNET_CONFIG_UNKNOWN'));
  });

  it('that no model can have are refused with every fault', () => {
    const { vgg11, vgg11_cifar, resnet20, resnet18 } = convnetConfigs;
    const wrong: [ConvnetConfig, ...string[]][] = [
      [{ ...vgg11, imageSize: 0, classes: 1.5 }, 'imageSize must be', 'classes must be'],
      [{ ...vgg11, imageSize: 225 + 31 }, 'last features of 8 x 8, which cannot be averaged to 7 x 7'],
      [{ ...vgg11_cifar, imageSize: 31 }, 'last features of 0 x 0'],
      [{ ...vgg11, stages: [[64], []] }, 'every stage needs a convolution'],
      [{ ...vgg11, stages: [] }, 'stages must not be empty'],
      [{ ...vgg11, head: { ...vgg11.head, dropout: 1 } }, 'head.dropout must lie in [0, 1)'],
      [{ ...vgg11, stages: [Array(1025).fill(1)] }, '1025 layers'],
      [{ ...resnet20, block: 'bottleneck' }, 'block must be "basic"'],
      [{ ...resnet20, widths: [16, 48, 64] }, 'double from stage to stage'],
      [{ ...resnet20, imageSize: 30 }, 'imageSize 30 makes a map of 15 pixels, which no stage can halve'],
      [{ ...resnet18, depths: [2, 2] }, '4 widths for 2 depths'],
      [{ ...resnet18, preprocessing: { ...resnet18.preprocessing, std: [1, 0, 1] } }, 'preprocessing.std'],
    ];
    for (const [config, ...problems] of wrong) {
      for (const problem of problems) expect(() => checkConfig(config)).toThrow(problem);
      expect(() => checkConfig(config)).toThrow(code('CONVNET_CONFIG_INVALID'));
    }
  });
});

describe('metadata', () => {
  it('brings every configuration and its class names back', () => {
    for (const config of all) {
      const names = Array.from({ length: config.classes }, (_, i) => `class ${i}`);
      const json = convnetMetadata(config, names);
      expect(configFromMetadata(json)).toEqual(config);
      expect(classNamesFromMetadata(json)).toEqual(names);
      expect(classNamesFromMetadata(convnetMetadata(config))).toBeUndefined();
    }
  });

  it('of another form is refused by the name of the field', () => {
    const json = (change: object) =>
      JSON.stringify({ architecture: 'resnet', config: { ...convnetConfigs.resnet20, ...change } });
    const wrong = {
      '{': 'it is no JSON',
      '[]': 'the whole must be an object',
      '{"architecture":"vit"}': 'architecture must be "vgg" or "resnet", got "vit"',
      [json({ widths: 'wide' })]: 'config.widths must be a list',
      [json({ depths: [1, '2', 3] })]: 'config.depths[1] must be a number',
      [json({ style: 'mnist' })]: 'config.style must be "cifar" or "imagenet"',
      [json({ preprocessing: {} })]: 'config.preprocessing.mean must be a list',
    };
    for (const [text, problem] of Object.entries(wrong)) {
      expect(() => configFromMetadata(text)).toThrow(problem);
      expect(() => configFromMetadata(text)).toThrow(code('CONVNET_METADATA_INVALID'));
    }
    expect(() => configFromMetadata(json({ imageSize: 1e9 }))).toThrow(code('CONVNET_CONFIG_INVALID'));
    expect(() => convnetMetadata(convnetConfigs.resnet20, ['one'])).toThrow(
      '1 class names for the 10 classes',
    );
  });
});

describe('configFromState', () => {
  it('recognises every model by its tensors, with any number of classes', () => {
    for (const config of all) {
      const other = { ...config, classes: 7 };
      expect(configFromState(shapes(other))).toEqual(other);
    }
  });

  it('prefers what the file says, and the name that the caller gives over both', () => {
    const small: ConvnetConfig = { ...convnetConfigs.vgg11_cifar, name: 'small', stages: [[8], [16]] };
    const metadata = new Map([['proj', convnetMetadata(small)]]);
    expect(configFromState(shapes(small), metadata)).toEqual(small);
    expect(() => configFromState(shapes(small))).toThrow(code('CONVNET_CONFIG_NOT_INFERRED'));
    expect(() => configFromState(shapes(small), metadata, { name: 'vgg11_cifar' })).toThrow(
      code('CONVNET_TENSORS_MISMATCH'),
    );
    const resnet = shapes({ ...convnetConfigs.resnet18, classes: 7 });
    expect(configFromState(resnet, metadata, { name: 'resnet18' }).classes).toBe(7);
    expect(() => configFromState(new Map())).toThrow(code('CONVNET_CONFIG_NOT_INFERRED'));
  });
});
