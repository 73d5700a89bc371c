import {
  type ConvnetConfig,
  convnetConfigs,
  configFromMetadata as convnetFromMetadata,
  convnetMetadata,
  convnetTensors,
  convnetUnits,
} from '@proj/convnet/forward';
import { type Metadata, type StateDict, stateSha256 } from '@proj/tensor-io';
import { readSafetensors } from '@proj/tensor-io/node';
import {
  type VitConfig,
  configFromMetadata as vitFromMetadata,
  vitMetadata,
  vitParameters,
  vitUnits,
} from '@proj/vit/forward';
import type { Finished } from '../experiment.ts';
import { forwardFlop, MODEL_FILE, type ModelConfig, modelConfig } from './model.ts';

/** A network as a job's configuration describes it. */
export type NetworkConfig =
  | ({ readonly family: 'vit' } & ModelConfig)
  | {
      readonly family: 'vgg';
      /** Widths of the 3 x 3 convolutions, stage by stage; no normalisation, one linear layer on averages. */
      readonly stages: readonly (readonly number[])[];
      readonly imageSize: number;
      readonly channels: number;
    }
  | {
      readonly family: 'resnet';
      /** Of the first stage; each stage doubles it. */
      readonly width: number;
      /** Blocks of each stage; [3, 3, 3] of width 16 is ResNet-20. */
      readonly depths: readonly number[];
      readonly imageSize: number;
      readonly channels: number;
    };

/** A vision transformer or a convolutional network: what tasks need to know of either, without tfjs. */
export type Network =
  | { readonly kind: 'vit'; readonly config: VitConfig }
  | { readonly kind: 'convnet'; readonly config: ConvnetConfig };

/** @throws {VitError} VIT_CONFIG_UNKNOWN; `ConvnetError` when its tensors are asked for, where the description makes no sense. */
export function networkOf(description: NetworkConfig, classes: number): Network {
  if (description.family === 'vit') {
    const { family: _, ...model } = description;
    return { kind: 'vit', config: modelConfig(model, classes) };
  }
  const { imageSize, channels } = description;
  if (description.family === 'vgg') {
    const { stages } = description;
    const name = `vgg_${stages.map((widths) => widths.join('-')).join('_')}`;
    const known = convnetConfigs.vgg11_cifar;
    const preprocessing = preprocessingOf(known, channels);
    return {
      kind: 'convnet',
      config: { ...known, name, stages, imageSize, channels, classes, preprocessing },
    };
  }
  const { width, depths } = description;
  const known = convnetConfigs.resnet20;
  const same = width === 16 && depths.join() === known.depths.join();
  return {
    kind: 'convnet',
    config: {
      ...known,
      name: same ? known.name : `resnet_${width}_${depths.join('-')}`,
      widths: depths.map((_, stage) => width * 2 ** stage),
      preprocessing: preprocessingOf(known, channels),
      ...{ depths, imageSize, channels, classes },
    },
  };
}

/** As the known configuration has it, where images have as many channels. */
const preprocessingOf = ({ preprocessing, channels: known }: ConvnetConfig, channels: number) =>
  channels === known
    ? preprocessing
    : { ...preprocessing, mean: Array(channels).fill(0.5), std: Array(channels).fill(0.5) };

export const networkMetadata = ({ kind, config }: Network, classNames: readonly string[]): string =>
  kind === 'vit' ? vitMetadata(config, classNames) : convnetMetadata(config, classNames);

/** @throws {VitError} VIT_METADATA_INVALID; {ConvnetError} CONVNET_METADATA_INVALID. */
function networkFromMetadata(json: string): Network {
  const { architecture } = JSON.parse(json) as { architecture?: string };
  return architecture === 'vgg' || architecture === 'resnet'
    ? { kind: 'convnet', config: convnetFromMetadata(json) }
    : { kind: 'vit', config: vitFromMetadata(json) };
}

/** Parameters in units of depth, shallowest first, as signatures count them. */
export const unitsOf = ({ kind, config }: Network): string[][] =>
  kind === 'vit' ? vitUnits(config) : convnetUnits(config);

export const hasBatchNorm = ({ kind, config }: Network): boolean =>
  kind === 'convnet' && (config.architecture === 'resnet' || config.batchNorm);

/** Bytes of all parameters and running statistics in float32. */
export function networkBytes({ kind, config }: Network): number {
  const tensors = kind === 'vit' ? vitParameters(config) : convnetTensors(config);
  return 4 * tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
}

/** Multiplications and additions of one image's way forward, twice each; those of convolutions for a CIFAR network. */
function networkFlop(network: Network): number {
  if (network.kind === 'vit') return forwardFlop(network.config);
  const { config } = network;
  const stageOfUnit =
    config.architecture === 'vgg'
      ? config.stages.flatMap((widths, stage) => widths.map(() => stage))
      : [0, ...config.depths.flatMap((blocks, stage) => Array<number>(blocks).fill(stage))];
  return convnetTensors(config)
    .filter(({ role, shape }) => role === 'conv' && shape.length === 4)
    .reduce((sum, { shape, unit }) => {
      const side = config.imageSize / 2 ** stageOfUnit[unit!]!;
      return sum + 2 * side ** 2 * shape.reduce((a, b) => a * b);
    }, 0);
}

/** Of either kind, measured on one core of a machine of 2025. */
const flopPerSecond = 18e9;

/** Time that so many images take forward; a training step counts three times. */
export const networkSeconds = (network: Network, images: number): number =>
  (images * networkFlop(network)) / flopPerSecond;

/** A corruption of one small image, the mean over the 18. */
export const corruptionSeconds = 0.4e-3;

export interface OpenedNetwork {
  readonly network: Network;
  readonly state: StateDict;
  readonly metadata: Metadata;
  readonly sha256: string;
}

/** The model that a job left, of either kind. */
export async function openNetwork(finished: Finished): Promise<OpenedNetwork> {
  const { state, metadata } = await readSafetensors(finished.file(MODEL_FILE));
  return {
    network: networkFromMetadata(metadata.get('proj')!),
    state,
    metadata,
    sha256: await stateSha256(state),
  };
}
