import { describe, expect, it } from 'vitest';
import { checkConfig, type VitConfig, vitConfig, vitConfigs, vitParameters } from './forward.ts';

const size = (config: VitConfig) =>
  vitParameters(config).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);

describe('configurations', () => {
  it('have the parameter counts of the published models', () => {
    const counts = Object.values(vitConfigs).map((config) => [config.name, size(config)]);
    expect(Object.fromEntries(counts)).toEqual({
      deit_tiny_patch16_224: 5_717_416,
      deit_small_patch16_224: 22_050_664,
      deit_base_patch16_224: 86_567_656,
      deit_tiny_distilled_patch16_224: 5_910_800,
      deit_small_distilled_patch16_224: 22_436_432,
      deit_base_distilled_patch16_224: 87_338_192,
      vit_tiny_patch16_224: 5_717_416,
      vit_small_patch16_224: 22_050_664,
      vit_base_patch16_224: 86_567_656,
      vit_digits_28: 139_018,
      vit_cifar_32: 2_693_578,
    });
  });

  it("of timm's ViTs are those of the DeiTs but for name and preprocessing", () => {
    for (const size of ['tiny', 'small', 'base'] as const) {
      expect(vitConfigs[`vit_${size}_patch16_224`]).toEqual({
        ...vitConfigs[`deit_${size}_patch16_224`],
        name: `vit_${size}_patch16_224`,
        preprocessing: {
          mean: [0.5, 0.5, 0.5],
          std: [0.5, 0.5, 0.5],
          interpolation: 'bicubic',
          cropPct: 0.9,
        },
      });
    }
  });

  it('are found by name, and an unknown name lists those there are', () => {
    for (const [name, config] of Object.entries(vitConfigs)) expect(vitConfig(name)).toBe(config);
    for (const name of ['deit_huge', '__proto__', 'toString']) {
      expect(() => vitConfig(name)).toThrow(
        expect.objectContaining({
          code: 'VIT_CONFIG_UNKNOWN',
          message: expect.stringContaining(`"${name}"; known are deit_tiny_patch16_224, `),
        }),
      );
    }
  });

  it('that no model can have are refused with every fault named', () => {
    const config = vitConfigs.vit_digits_28;
    const wrong: VitConfig = {
      ...config,
      patchSize: 5,
      heads: 3,
      mlpRatio: 1.3,
      depth: 5000,
      channels: 3,
      classes: Number.NaN,
      layerNormEps: 0,
      preprocessing: { ...config.preprocessing, std: [0, 1, 1], cropPct: 1.2 },
    };
    try {
      checkConfig(wrong);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({
        name: 'VitError',
        code: 'VIT_CONFIG_INVALID',
        problems: [
          'depth must be an integer from 1 to 1024, got 5000',
          'classes must be an integer from 1 to 65536, got NaN',
          'imageSize 28 must be a multiple of patchSize 5',
          'embedDim 64 must be a multiple of heads 3',
          'embedDim 64 times mlpRatio 1.3 must be an integer from 1 to 65536',
          'layerNormEps must lie in (0, 1), got 0',
          'preprocessing.mean must hold 3 finite numbers, got [0.1307]',
          'preprocessing.std must hold 3 positive numbers, got [0,1,1]',
          'preprocessing.cropPct must lie in (0, 1], got 1.2',
        ],
      });
    }
    expect(() => vitParameters(wrong)).toThrow(
      '"vit_digits_28" describes no vision transformer: depth must be',
    );
  });
});
