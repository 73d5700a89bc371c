import type { CorruptionName } from '@proj/corruptions';
import type { NetworkConfig } from '../tasks/network.ts';
import type { VariantConfig } from '../tasks/rws-study-signatures.ts';
import type { StorageConfig } from '../tasks/rws-sweep.ts';
import type { OptimizerConfig } from '../tasks/train-network.ts';
import type { ArchitectureName, Study } from './settings.ts';

/** What a study does with one architecture. */
export interface Architecture {
  readonly name: ArchitectureName;
  /** As reports call it. */
  readonly title: string;
  readonly about: string;
  readonly network: NetworkConfig;
  readonly seeds: readonly number[];
  readonly corruptions: readonly CorruptionName[];
  readonly variants: readonly VariantConfig[];
  /** The common start was trained by others, on all training images. */
  readonly published: boolean;
  readonly epochs: number;
  readonly starting: OptimizerConfig;
  readonly onwards: OptimizerConfig;
}

const plainVariants: readonly VariantConfig[] = [
  { name: 'plain', projection: 'none', bits: 32, batchNorm: 'delta' },
  { name: 'rws', projection: 'orthogonal', bits: 32, batchNorm: 'delta' },
  { name: 'rws-4bit', projection: 'orthogonal', bits: 4, batchNorm: 'delta' },
];

/** What signatures of networks that are normalised by batches can do about it, besides treating it as any other tensor. */
const batchNormVariants: readonly VariantConfig[] = [
  { name: 'rws-bn-keep', projection: 'orthogonal', bits: 32, batchNorm: 'keep' },
  { name: 'rws-bn-replace', projection: 'orthogonal', bits: 32, batchNorm: 'replace+recalibrate' },
];

/** As rows of tables are called. */
export const rowNames: Readonly<Record<string, string>> = {
  standard: 'standard',
  augmented: 'data augmentation',
  robust: 'robust (upper reference)',
  plain: 'plain difference',
  rws: 'RWS',
  'rws-4bit': 'RWS, 4 bits',
  'rws-bn-keep': 'RWS, BN kept',
  'rws-bn-replace': 'RWS, BN replaced and recalibrated',
  'bn-only': 'BN statistics alone',
};

const sgd = { optimizer: 'sgd', weightDecay: 5e-4, warmupEpochs: 1 } as const;
const adamw = { optimizer: 'adamw', weightDecay: 0.05, warmupEpochs: 1 } as const;

export function architectureOf(study: Study, name: ArchitectureName): Architecture {
  const first = name === study.architectures[0];
  const { imageSize, channels } = study;
  const common = {
    name,
    seeds: first ? study.seeds : study.otherSeeds,
    corruptions: first ? study.corruptions : study.fewCorruptions,
    variants: plainVariants,
    published: false,
    epochs: study.epochs,
  };
  switch (name) {
    case 'vgg':
      return {
        ...common,
        title: 'VGG',
        about: `VGG: 3 × 3 convolutions of ${study.vggStages.join(', ')} channels with a maximum after each stage, averages and one linear layer; no batch normalisation`,
        network: {
          family: 'vgg',
          stages: study.vggStages.map((stage) => String(stage).split('-').map(Number)),
          ...{ imageSize, channels },
        },
        starting: { ...sgd, learningRate: 0.05 },
        onwards: { ...sgd, learningRate: 0.02 },
      };
    case 'resnet':
      return {
        ...common,
        title: 'ResNet',
        about: `ResNet of ${2 * study.resnetDepths.reduce((sum, blocks) => sum + blocks, 1)} layers${study.published ? ', with published weights as the start' : ''}`,
        variants: [...plainVariants, ...batchNormVariants],
        published: study.published,
        epochs: study.published ? study.publishedEpochs : study.epochs,
        network: {
          family: 'resnet',
          ...{ width: study.resnetWidth, depths: study.resnetDepths, imageSize, channels },
        },
        starting: { ...sgd, learningRate: 0.1 },
        onwards: { ...sgd, learningRate: 0.01 },
      };
    case 'vit':
      return {
        ...common,
        title: 'ViT',
        about: `ViT of ${study.vitDepth} blocks of width ${study.vitDim}, patches of ${study.vitPatch} × ${study.vitPatch}`,
        network: {
          ...{ family: 'vit', model: study.vitModel, patchSize: study.vitPatch, mlpRatio: 2 },
          ...{ embedDim: study.vitDim, depth: study.vitDepth, heads: study.vitHeads },
        },
        starting: { ...adamw, learningRate: 2e-3 },
        onwards: { ...adamw, learningRate: 1e-3 },
      };
  }
}

const dense = { kind: 'dense' } as const;

/** The ways to store a signature that are compared; without a quantizer, plain float32. */
export const storages: readonly StorageConfig[] = [
  { name: 'float32', quantizer: { scheme: 'none' }, structure: dense },
  ...(['linear', 'log', 'tanh'] as const).flatMap((scheme) =>
    [256, 64, 16, 8, 4, 3].map((levels) => ({
      name: `${scheme}, ${levels} levels`,
      quantizer: { scheme, levels },
      structure: dense,
    })),
  ),
  { name: '1 bit (sign)', quantizer: { scheme: 'sign' }, structure: dense },
  ...[0.5, 0.25, 0.1].map((density) => ({
    name: `largest ${100 * density} %, 16 levels`,
    quantizer: { scheme: 'linear', levels: 16 } as const,
    structure: { kind: 'sparse', density } as const,
  })),
  ...[0.9, 0.5].map((energy) => ({
    name: `low rank, ${100 * energy} % of the energy`,
    quantizer: { scheme: 'none' } as const,
    structure: { kind: 'low-rank', energy } as const,
  })),
];
