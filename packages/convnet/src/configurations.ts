import type { ConvnetConfig, Preprocessing, ResNetConfig, VggConfig } from './config.ts';
import { ConvnetError } from './error.ts';

/** Mean and deviation of ImageNet's training images, resized as torchvision's weights `IMAGENET1K_V1` were evaluated. */
export const imagenetPreprocessing: Preprocessing = {
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
  interpolation: 'bilinear',
  cropPct: 224 / 256,
};

/** Mean and deviation of CIFAR-10's training images. */
const cifarPreprocessing: Preprocessing = {
  mean: [0.4914, 0.4822, 0.4465],
  std: [0.247, 0.2435, 0.2616],
  interpolation: 'bilinear',
  cropPct: 1,
};

const vggStages = {
  vgg11: [[64], [128], [256, 256], [512, 512], [512, 512]],
  vgg16: [
    [64, 64],
    [128, 128],
    [256, 256, 256],
    [512, 512, 512],
    [512, 512, 512],
  ],
};

function imagenetVgg(depth: keyof typeof vggStages, batchNorm: boolean): VggConfig {
  return {
    architecture: 'vgg',
    name: batchNorm ? `${depth}_bn` : depth,
    imageSize: 224,
    channels: 3,
    classes: 1000,
    preprocessing: imagenetPreprocessing,
    stages: vggStages[depth],
    batchNorm,
    head: { pool: 7, hidden: [4096, 4096], dropout: 0.5 },
  };
}

/** The convolutions of torchvision's VGG, averages, and one linear layer. */
function cifarVgg(depth: keyof typeof vggStages, batchNorm: boolean): VggConfig {
  return {
    ...imagenetVgg(depth, batchNorm),
    name: `${depth}${batchNorm ? '_bn' : ''}_cifar`,
    imageSize: 32,
    classes: 10,
    preprocessing: cifarPreprocessing,
    head: { pool: 1, hidden: [], dropout: 0 },
  };
}

/** He et al. 2016, section 4.2, as akamaster trained them: with ImageNet's mean and deviation. */
function cifarResNet(depth: number): ResNetConfig {
  const blocks = (depth - 2) / 6;
  return {
    architecture: 'resnet',
    name: `resnet${depth}`,
    imageSize: 32,
    channels: 3,
    classes: 10,
    preprocessing: { ...imagenetPreprocessing, cropPct: 1 },
    style: 'cifar',
    block: 'basic',
    widths: [16, 32, 64],
    depths: [blocks, blocks, blocks],
  };
}

function imagenetResNet(
  depth: number,
  block: ResNetConfig['block'],
  depths: readonly number[],
): ResNetConfig {
  return {
    architecture: 'resnet',
    name: `resnet${depth}`,
    imageSize: 224,
    channels: 3,
    classes: 1000,
    preprocessing: imagenetPreprocessing,
    style: 'imagenet',
    block,
    widths: [64, 128, 256, 512],
    depths,
  };
}

/**
 * Configurations by name: torchvision's VGGs and ResNets for 224 px, the same VGGs with one linear layer for CIFAR, and akamaster's
 * ResNets for CIFAR. A change of any field makes another model: `{ ...convnetConfigs.vgg11_cifar, name: 'small', stages: [[16], [32]] }`.
 */
export const convnetConfigs = {
  vgg11: imagenetVgg('vgg11', false),
  vgg11_bn: imagenetVgg('vgg11', true),
  vgg16: imagenetVgg('vgg16', false),
  vgg16_bn: imagenetVgg('vgg16', true),
  vgg11_cifar: cifarVgg('vgg11', false),
  vgg11_bn_cifar: cifarVgg('vgg11', true),
  vgg16_cifar: cifarVgg('vgg16', false),
  vgg16_bn_cifar: cifarVgg('vgg16', true),
  resnet20: cifarResNet(20),
  resnet56: cifarResNet(56),
  resnet18: imagenetResNet(18, 'basic', [2, 2, 2, 2]),
  resnet50: imagenetResNet(50, 'bottleneck', [3, 4, 6, 3]),
} as const satisfies Record<string, ConvnetConfig>;

/**
 * The configuration with this name.
 *
 * @throws {ConvnetError} `CONVNET_CONFIG_UNKNOWN`, listing the names there are.
 */
export function convnetConfig(name: string): ConvnetConfig {
  const config = Object.values<ConvnetConfig>(convnetConfigs).find((known) => known.name === name);
  if (config === undefined) {
    throw new ConvnetError(
      'CONVNET_CONFIG_UNKNOWN',
      `there is no configuration named "${name}"; known are ${Object.keys(convnetConfigs).join(', ')}.`,
    );
  }
  return config;
}
