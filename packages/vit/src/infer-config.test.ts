import { describe, expect, it } from 'vitest';
import { configFromState, type VitConfig, vitConfigs, vitMetadata, vitParameters } from './forward.ts';

const shapes = (config: VitConfig) =>
  new Map(vitParameters(config).map(({ name, shape }) => [name, { shape: [...shape] }]));
const refused = (code: string, message: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(message) });

describe('configFromState', () => {
  it('recognises every configuration of this package by its shapes, a ViT with those of a DeiT as the DeiT', () => {
    for (const config of Object.values(vitConfigs)) {
      const twin = config.name.replace(/^vit_(tiny|small|base)/, 'deit_$1') as keyof typeof vitConfigs;
      expect(configFromState(shapes(config))).toEqual(vitConfigs[twin]);
    }
  });

  it('is told by name which it is, and holds it to the tensors', () => {
    const vit = { ...vitConfigs.vit_small_patch16_224, classes: 37 };
    const state = shapes(vit);
    expect(configFromState(state, undefined, { name: 'vit_small_patch16_224' })).toEqual(vit);
    const metadata = new Map([['proj', vitMetadata({ ...vit, name: 'mine', heads: 4 })]]);
    expect(configFromState(state, metadata, { name: 'vit_small_patch16_224' })).toEqual(vit);
    expect(configFromState(state, metadata, { name: undefined })).toMatchObject({ name: 'mine', heads: 4 });
    expect(() => configFromState(state, undefined, { name: 'vit_tiny_patch16_224' })).toThrow(
      refused('VIT_PARAMETERS_MISMATCH', 'cls_token'),
    );
    expect(() => configFromState(state, undefined, { name: 'vit_huge' })).toThrow(
      refused('VIT_CONFIG_UNKNOWN', 'known are deit_tiny_patch16_224'),
    );
    state.delete('head.weight');
    expect(() => configFromState(state, undefined, { name: 'vit_small_patch16_224' })).toThrow(
      refused('VIT_CONFIG_NOT_INFERRED', 'there is no head.weight'),
    );
  });

  it('lets the number of classes differ', () => {
    const config = { ...vitConfigs.vit_cifar_32, classes: 100 };
    expect(configFromState(shapes(config))).toEqual(config);
  });

  it('infers another RGB model with heads of 64', () => {
    const config = {
      ...vitConfigs.deit_base_distilled_patch16_224,
      name: 'vit_1024_patch32_384',
      imageSize: 384,
      patchSize: 32,
      embedDim: 1024,
      heads: 16,
      depth: 24,
      classes: 21_843,
    };
    expect(configFromState(shapes(config))).toEqual(config);
  });

  it('prefers what the file says about itself, and holds it to the tensors', () => {
    const config: VitConfig = { ...vitConfigs.vit_digits_28, name: 'mine', embedDim: 32, heads: 8 };
    const metadata = new Map([['proj', vitMetadata(config)]]);
    expect(configFromState(shapes(config), metadata)).toEqual(config);
    expect(() => configFromState(shapes({ ...config, depth: 3 }), metadata)).toThrow(
      refused('VIT_PARAMETERS_MISMATCH', 'blocks.3.norm1.weight [32] is missing'),
    );
  });

  it('refuses what shapes cannot settle: unusual heads, colours, grids', () => {
    const unusual: Partial<VitConfig>[] = [
      { embedDim: 128 },
      { embedDim: 1280, heads: 16 },
      { embedDim: 200, heads: 4 },
      { channels: 1, preprocessing: vitConfigs.vit_digits_28.preprocessing },
    ];
    for (const change of unusual) {
      expect(() => configFromState(shapes({ ...vitConfigs.vit_cifar_32, heads: 2, ...change }))).toThrow(
        refused('VIT_CONFIG_NOT_INFERRED', 'shapes alone do not settle it (imageSize 32, patchSize 4'),
      );
    }
    const oblong = shapes({ ...vitConfigs.vit_cifar_32, embedDim: 384 });
    oblong.set('pos_embed', { shape: [1, 61, 384] });
    expect(() => configFromState(oblong)).toThrow(refused('VIT_CONFIG_NOT_INFERRED', 'settle it'));
  });

  it('refuses other architectures by naming the tensor it looked for', () => {
    expect(() => configFromState(new Map([['conv1.weight', { shape: [64, 3, 7, 7] }]]))).toThrow(
      refused('VIT_CONFIG_NOT_INFERRED', 'there is no patch_embed.proj.weight among the 1 tensors'),
    );
    const flat = shapes(vitConfigs.vit_cifar_32);
    flat.set('patch_embed.proj.weight', { shape: [192, 48] });
    expect(() => configFromState(flat)).toThrow(
      refused('VIT_CONFIG_NOT_INFERRED', 'patch_embed.proj.weight is [192,48], expected 4 dimensions'),
    );
  });

  it('refuses tensors beyond the model', () => {
    const more = shapes(vitConfigs.vit_cifar_32);
    more.set('blocks.0.ls1.gamma', { shape: [192] });
    expect(() => configFromState(more)).toThrow(
      refused('VIT_PARAMETERS_MISMATCH', 'blocks.0.ls1.gamma [192] is not a parameter of this model'),
    );
  });
});
