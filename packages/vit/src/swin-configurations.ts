import { imagenetPreprocessing } from './configurations.ts';
import { VitError } from './error.ts';
import type { SwinConfig } from './swin-config.ts';

/**
 * Configurations by name: torchvision's Swin-T (Liu et al. 2021; 28,288,354 parameters), with the preprocessing of its weights
 * `IMAGENET1K_V1`: shorter side to 232 pixels, centre crop of 224; and a small one for CIFAR (1,267,670).
 */
export const swinConfigs = {
  swin_t: {
    name: 'swin_t',
    imageSize: 224,
    patchSize: 4,
    channels: 3,
    embedDim: 96,
    depths: [2, 2, 6, 2],
    heads: [3, 6, 12, 24],
    windowSize: 7,
    mlpRatio: 4,
    classes: 1000,
    layerNormEps: 1e-5,
    preprocessing: { ...imagenetPreprocessing, cropPct: 224 / 232 },
  },
  swin_cifar_32: {
    name: 'swin_cifar_32',
    imageSize: 32,
    patchSize: 2,
    channels: 3,
    embedDim: 48,
    depths: [2, 2, 2],
    heads: [2, 4, 8],
    windowSize: 4,
    mlpRatio: 4,
    classes: 10,
    layerNormEps: 1e-5,
    preprocessing: {
      mean: [0.4914, 0.4822, 0.4465],
      std: [0.247, 0.2435, 0.2616],
      interpolation: 'bilinear',
      cropPct: 1,
    },
  },
} as const satisfies Record<string, SwinConfig>;

/**
 * The configuration with this name.
 *
 * @throws {VitError} `VIT_CONFIG_UNKNOWN`, listing the names there are.
 */
export function swinConfig(name: string): SwinConfig {
  const config = Object.values<SwinConfig>(swinConfigs).find((known) => known.name === name);
  if (config === undefined) {
    throw new VitError(
      'VIT_CONFIG_UNKNOWN',
      `there is no Swin configuration named "${name}"; known are ${Object.keys(swinConfigs).join(', ')}.`,
    );
  }
  return config;
}
