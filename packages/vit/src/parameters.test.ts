import { ofqCase } from '@proj/fixtures';
import { describe, expect, it } from 'vitest';
import { checkParameters, type VitConfig, vitConfigs, vitParameters, vitUnits } from './forward.ts';

const shapes = (config: VitConfig) =>
  new Map(vitParameters(config).map(({ name, shape }) => [name, { shape }]));

describe('vitParameters', () => {
  it("has timm's names, shapes and order", () => {
    const list = vitParameters({ ...vitConfigs.deit_tiny_distilled_patch16_224, depth: 1 });
    expect(list.map(({ name, shape }) => `${name} ${shape.join('x')}`)).toEqual([
      'cls_token 1x1x192',
      'pos_embed 1x198x192',
      'dist_token 1x1x192',
      'patch_embed.proj.weight 192x3x16x16',
      'patch_embed.proj.bias 192',
      'blocks.0.norm1.weight 192',
      'blocks.0.norm1.bias 192',
      'blocks.0.attn.qkv.weight 576x192',
      'blocks.0.attn.qkv.bias 576',
      'blocks.0.attn.proj.weight 192x192',
      'blocks.0.attn.proj.bias 192',
      'blocks.0.norm2.weight 192',
      'blocks.0.norm2.bias 192',
      'blocks.0.mlp.fc1.weight 768x192',
      'blocks.0.mlp.fc1.bias 768',
      'blocks.0.mlp.fc2.weight 192x768',
      'blocks.0.mlp.fc2.bias 192',
      'norm.weight 192',
      'norm.bias 192',
      'head.weight 1000x192',
      'head.bias 1000',
      'head_dist.weight 1000x192',
      'head_dist.bias 1000',
    ]);
  });

  it('agrees with the distilled model of the reference code in names, shapes and order', () => {
    const { config: reference, tensors } = ofqCase('model_deit_qkr_w2a2');
    expect(reference).toMatchObject({
      img: 32,
      patch: 8,
      embed: 24,
      depth: 2,
      heads: 3,
      mlp_ratio: 2,
      classes: 5,
    });
    const config: VitConfig = {
      ...vitConfigs.deit_tiny_distilled_patch16_224,
      imageSize: 32,
      patchSize: 8,
      embedDim: 24,
      depth: 2,
      heads: 3,
      mlpRatio: 2,
      classes: 5,
    };
    const ours = vitParameters(config);
    // The quantized model splits attn.qkv, so the fixture keeps the float attention's parameters apart, under `fp.`.
    const attention = ours.filter(({ name }) => name.includes('.attn.'));
    const rest = ours.filter(({ name }) => !name.includes('.attn.'));
    const stored = (prefix: string, names: Set<string>) =>
      [...tensors]
        .filter(([key]) => key.startsWith(prefix) && names.has(key.slice(prefix.length)))
        .map(([key, { shape }]) => ({ name: key.slice(prefix.length), shape }));
    expect(stored('fp.', new Set(attention.map(({ name }) => name)))).toEqual(attention);
    expect(stored('param.', new Set(rest.map(({ name }) => name)))).toEqual(rest);
  });
});

describe('vitUnits', () => {
  it('starts with everything before the blocks, then has one unit a block, and leaves norm and heads out', () => {
    const config = vitConfigs.deit_tiny_distilled_patch16_224;
    const units = vitUnits(config);
    expect(units).toHaveLength(13);
    expect(units[0]).toEqual([
      'cls_token',
      'pos_embed',
      'dist_token',
      'patch_embed.proj.weight',
      'patch_embed.proj.bias',
    ]);
    for (const [i, unit] of units.slice(1).entries()) {
      expect(unit).toHaveLength(12);
      expect(unit.every((name) => name.startsWith(`blocks.${i}.`))).toBe(true);
    }
    const inUnits = new Set(units.flat());
    expect([...shapes(config).keys()].filter((name) => !inUnits.has(name))).toEqual([
      'norm.weight',
      'norm.bias',
      'head.weight',
      'head.bias',
      'head_dist.weight',
      'head_dist.bias',
    ]);
  });
});

describe('checkParameters', () => {
  it('accepts exactly the parameters of the model, in any order', () => {
    for (const config of Object.values(vitConfigs)) {
      checkParameters(config, new Map([...shapes(config)].reverse()));
    }
  });

  it('reports everything missing, misshapen and unexpected at once', () => {
    const found = shapes(vitConfigs.vit_digits_28);
    found.delete('pos_embed');
    found.delete('blocks.3.mlp.fc2.bias');
    found.set('head.weight', { shape: [100, 64] });
    found.set('norm.bias', { shape: [64, 1] });
    found.set('head_dist.bias', { shape: [10] });
    const problems = [
      'pos_embed [1,17,64] is missing',
      'blocks.3.mlp.fc2.bias [64] is missing',
      'norm.bias is [64,1], expected [64]',
      'head.weight is [100,64], expected [10,64]',
      'head_dist.bias [10] is not a parameter of this model',
    ];
    expect(() => checkParameters(vitConfigs.vit_digits_28, found)).toThrow(
      expect.objectContaining({
        code: 'VIT_PARAMETERS_MISMATCH',
        problems,
        message: expect.stringContaining(problems.join('; ')),
      }),
    );
  });
});
