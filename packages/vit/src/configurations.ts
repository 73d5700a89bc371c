import type { Preprocessing, VitConfig } from './config.ts';
import { VitError } from './error.ts';

/** Mean and deviation of ImageNet's training images, resized as DeiT's evaluation does it. */
export const imagenetPreprocessing: Preprocessing = {
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
  interpolation: 'bicubic',
  cropPct: 0.9,
};

/** What timm's ViTs were trained with (Steiner et al. 2022, "augreg"): bytes to [-1, 1]. */
const augregPreprocessing: Preprocessing = {
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
  interpolation: 'bicubic',
  cropPct: 0.9,
};

/** ViT (Dosovitskiy et al. 2021, table 1, and timm): the shapes of the DeiT of that size, and other preprocessing. */
function plainVit(size: string, heads: number): VitConfig {
  return {
    ...deit(size, heads, false),
    name: `vit_${size}_patch16_224`,
    preprocessing: augregPreprocessing,
  };
}

/** DeiT (Touvron et al. 2021, table 1): patch 16, depth 12, heads of 64. */
function deit(size: string, heads: number, distilled: boolean): VitConfig {
  return {
    name: `deit_${size}${distilled ? '_distilled' : ''}_patch16_224`,
    imageSize: 224,
    patchSize: 16,
    channels: 3,
    embedDim: 64 * heads,
    depth: 12,
    heads,
    mlpRatio: 4,
    classes: 1000,
    distilled,
    layerNormEps: 1e-6,
    preprocessing: imagenetPreprocessing,
  };
}

/**
 * Configurations by name: timm's DeiTs and ViTs, and two small ones for digits (139,018 parameters) and CIFAR (2.7 million).
 *
 * Where shapes are all there is to go by, the first that fits counts: a DeiT before the ViT of the same shapes.
 */
export const vitConfigs = {
  deit_tiny_patch16_224: deit('tiny', 3, false),
  deit_small_patch16_224: deit('small', 6, false),
  deit_base_patch16_224: deit('base', 12, false),
  deit_tiny_distilled_patch16_224: deit('tiny', 3, true),
  deit_small_distilled_patch16_224: deit('small', 6, true),
  deit_base_distilled_patch16_224: deit('base', 12, true),
  vit_tiny_patch16_224: plainVit('tiny', 3),
  vit_small_patch16_224: plainVit('small', 6),
  vit_base_patch16_224: plainVit('base', 12),
  vit_digits_28: {
    name: 'vit_digits_28',
    imageSize: 28,
    patchSize: 7,
    channels: 1,
    embedDim: 64,
    depth: 4,
    heads: 4,
    mlpRatio: 2,
    classes: 10,
    distilled: false,
    layerNormEps: 1e-6,
    preprocessing: { mean: [0.1307], std: [0.3081], interpolation: 'bilinear', cropPct: 1 },
  },
  vit_cifar_32: {
    name: 'vit_cifar_32',
    imageSize: 32,
    patchSize: 4,
    channels: 3,
    embedDim: 192,
    depth: 6,
    heads: 3,
    mlpRatio: 4,
    classes: 10,
    distilled: false,
    layerNormEps: 1e-6,
    preprocessing: {
      mean: [0.4914, 0.4822, 0.4465],
      std: [0.247, 0.2435, 0.2616],
      interpolation: 'bilinear',
      cropPct: 1,
    },
  },
} as const satisfies Record<string, VitConfig>;

/**
 * The configuration with this name.
 *
 * @throws {VitError} `VIT_CONFIG_UNKNOWN`, listing the names there are.
 */
export function vitConfig(name: string): VitConfig {
  const config = Object.values<VitConfig>(vitConfigs).find((known) => known.name === name);
  if (config === undefined) {
    throw new VitError(
      'VIT_CONFIG_UNKNOWN',
      `there is no configuration named "${name}"; known are ${Object.keys(vitConfigs).join(', ')}.`,
    );
  }
  return config;
}
