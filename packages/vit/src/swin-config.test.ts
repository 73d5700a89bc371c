import { describe, expect, it } from 'vitest';
import { golden } from '../test/golden-swin.ts';
import {
  checkConfig,
  checkParameters,
  classNamesFromMetadata,
  configFromState,
  type SwinConfig,
  swinBuffers,
  swinConfig,
  swinConfigFromMetadata,
  swinConfigFromState,
  swinConfigs,
  swinMetadata,
  swinParameters,
  vitConfigs,
  vitMetadata,
} from './forward.ts';

const swinT: SwinConfig = swinConfigs.swin_t;
const shapes = (config: SwinConfig) =>
  new Map(swinParameters(config).map(({ name, shape }) => [name, { shape: [...shape] }]));
const size = (config: SwinConfig) =>
  swinParameters(config).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
const refused = (code: string, message: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(message) });

describe('Swin-T', () => {
  it("has torchvision's names, shapes and order of parameters and buffers, and their number", () => {
    const buffers = new Set(swinBuffers(swinT).map(({ name }) => name));
    const expected = golden.swin_t.state.map(([name, shape]) => ({ name, shape }));
    expect(swinParameters(swinT)).toEqual(expected.filter(({ name }) => !buffers.has(name)));
    expect(swinBuffers(swinT)).toEqual(expected.filter(({ name }) => buffers.has(name)));
    expect(size(swinT)).toBe(28_288_354);
    expect(size(swinT)).toBe(golden.swin_t.parameters);
    expect(size(swinConfigs.swin_cifar_32)).toBe(1_267_670);
  });

  it("has the preprocessing of torchvision's weights", () => {
    const { resize, crop, interpolation, mean, std } = golden.swin_t.preprocessing;
    const { imageSize, preprocessing } = swinT;
    expect(imageSize).toBe(crop);
    // As image folders compute it.
    expect(Math.floor(imageSize / preprocessing.cropPct)).toBe(resize);
    expect(preprocessing).toMatchObject({ interpolation, mean, std });
  });
});

describe('Swin configurations', () => {
  it('are found by name, and an unknown name lists those there are', () => {
    for (const [name, config] of Object.entries(swinConfigs)) expect(swinConfig(name)).toBe(config);
    expect(() => swinConfig('swin_b')).toThrow(
      refused('VIT_CONFIG_UNKNOWN', 'known are swin_t, swin_cifar_32'),
    );
  });

  it('that no model can have are refused with every fault named', () => {
    const { preprocessing } = swinT;
    const wrong: SwinConfig = {
      ...swinT,
      imageSize: 192,
      depths: [2, 0, 2, 2],
      heads: [3, 6, 12, 25],
      mlpRatio: 1.01,
      layerNormEps: 1,
      preprocessing: { ...preprocessing, mean: [0] },
    };
    expect(() => checkConfig(wrong)).toThrow(
      expect.objectContaining({
        code: 'VIT_CONFIG_INVALID',
        problems: [
          'stage 0 has a feature map of 48 x 48 tokens, which must be whole windows of 7 x 7',
          'embedDim 96 times mlpRatio 1.01 must be an integer from 1 to 65536',
          'depths[1] must be an integer from 1 to 1024, got 0',
          'stage 1 has a feature map of 24 x 24 tokens, which must be whole windows of 7 x 7',
          'embedDim 192 times mlpRatio 1.01 must be an integer from 1 to 65536',
          'stage 2 has a feature map of 12 x 12 tokens, which must be whole windows of 7 x 7',
          'embedDim 384 times mlpRatio 1.01 must be an integer from 1 to 65536',
          'stage 3 has a feature map of 6 x 6 tokens, which must be whole windows of 7 x 7',
          'stage 3 has tokens of 768, which must be a multiple of its 25 heads',
          'embedDim 768 times mlpRatio 1.01 must be an integer from 1 to 65536',
          'layerNormEps must lie in (0, 1), got 1',
          'preprocessing.mean must hold 3 finite numbers, got [0]',
        ],
      }),
    );
    expect(() => checkConfig({ ...swinT, heads: [3, 6, 12], windowSize: 0 })).toThrow(
      'windowSize must be an integer from 1 to 65536, got 0; depths and heads must hold one number for each of 1 to 12 stages, got [2,2,6,2] and [3,6,12].',
    );
  });
});

describe('a Swin state dict', () => {
  it('fits with its buffers or without, and everything else that differs is said at once', () => {
    const found = shapes(swinT);
    checkParameters(swinT, found);
    for (const { name, shape } of swinBuffers(swinT)) found.set(name, { shape: [...shape] });
    checkParameters(swinT, found);
    const index = 'features.1.0.attn.relative_position_index';
    found.set(index, { shape: [49] });
    found.delete('features.2.reduction.weight');
    found.set('features.2.reduction.bias', { shape: [192] });
    expect(() => checkParameters(swinT, found)).toThrow(
      expect.objectContaining({
        code: 'VIT_PARAMETERS_MISMATCH',
        problems: [
          'features.2.reduction.weight [192,384] is missing',
          `${index} is [49], expected [2401]`,
          'features.2.reduction.bias [192] is not a parameter of this model',
        ],
      }),
    );
  });

  it('says by its shapes which configuration it has, whatever its number of classes', () => {
    for (const config of Object.values(swinConfigs)) {
      expect(swinConfigFromState(shapes(config))).toEqual(config);
      const other = { ...config, classes: 7 };
      expect(swinConfigFromState(shapes(other))).toEqual(other);
    }
  });

  it('of another architecture is recognised by its metadata or by name, and by nothing else', () => {
    const other: SwinConfig = { ...swinT, name: 'mine', imageSize: 448, depths: [2, 2, 18, 2] };
    expect(() => swinConfigFromState(shapes(other))).toThrow(
      refused('VIT_CONFIG_NOT_INFERRED', 'do not tell the size of its images'),
    );
    const metadata = new Map([['proj', swinMetadata(other)]]);
    expect(swinConfigFromState(shapes(other), metadata)).toEqual(other);
    expect(swinConfigFromState(shapes(swinT), metadata, { name: 'swin_t' })).toEqual(swinT);
    expect(() => swinConfigFromState(shapes(swinT), metadata)).toThrow(
      expect.objectContaining({ code: 'VIT_PARAMETERS_MISMATCH' }),
    );
  });

  it('is no ViT, and a ViT is none', () => {
    expect(() => configFromState(shapes(swinT))).toThrow(
      refused('VIT_CONFIG_NOT_INFERRED', 'there is no patch_embed.proj.weight'),
    );
    expect(() => swinConfigFromState(new Map())).toThrow(
      refused('VIT_CONFIG_NOT_INFERRED', 'there is no features.0.0.weight among the 0 tensors'),
    );
  });
});

describe("a Swin model's metadata", () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'];

  it('gives back configuration and class names as they went in', () => {
    for (const config of Object.values(swinConfigs)) {
      const json = swinMetadata(config);
      expect(swinConfigFromMetadata(json)).toEqual(config);
      expect(classNamesFromMetadata(json)).toBeUndefined();
    }
    expect(classNamesFromMetadata(swinMetadata(swinConfigs.swin_cifar_32, names))).toEqual(names);
  });

  it("is refused when it is damaged, or a ViT's", () => {
    const vit = vitMetadata(vitConfigs.vit_digits_28);
    expect(() => swinConfigFromMetadata(vit)).toThrow(
      refused('VIT_METADATA_INVALID', 'architecture is "vit", expected "swin"'),
    );
    const json = swinMetadata(swinConfigs.swin_cifar_32);
    expect(() => swinConfigFromMetadata(json.replace('[2,2,2]', '2'))).toThrow(
      refused('VIT_METADATA_INVALID', 'config.depths must be a list, got 2'),
    );
    expect(() => swinConfigFromMetadata(json.replace('[2,2,2]', '[2,2]'))).toThrow(
      expect.objectContaining({ code: 'VIT_CONFIG_INVALID' }),
    );
    expect(() => swinMetadata(swinConfigs.swin_cifar_32, names.slice(1))).toThrow(
      refused('VIT_METADATA_INVALID', 'there are 9 class names for the 10 classes of swin_cifar_32'),
    );
    expect(() => classNamesFromMetadata('{"architecture":"resnet20"}')).toThrow(
      refused('VIT_METADATA_INVALID', 'expected "vit" or "swin"'),
    );
  });
});
