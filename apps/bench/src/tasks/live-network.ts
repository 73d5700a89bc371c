import {
  convnet,
  floatLayers as convnetLayers,
  initConvnet,
  preprocess as preprocessForConvnet,
  recalibrate,
  separateBuffers,
  trainingForward,
} from '@proj/convnet';
import { batches, type ImageDataset } from '@proj/datasets';
import type { NamedTensors } from '@proj/ops';
import { requireFit } from '@proj/recipes';
import type { StateDict } from '@proj/tensor-io';
import { fromTensors, toTensors } from '@proj/tensor-io/tfjs';
import { type Batch, crossEntropy, evaluate, type GradientFunction, tapeGradients } from '@proj/trainer';
import { initVit, preprocess as preprocessForVit, vit, floatLayers as vitLayers } from '@proj/vit';
import { dispose, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { hasBatchNorm, type Network } from './network.ts';

/** Parameters and running statistics as tensors. */
export interface LiveState {
  readonly parameters: NamedTensors;
  readonly buffers: NamedTensors;
}

/** Drawn weights. */
export const freshState = ({ kind, config }: Network, seed: number): LiveState =>
  kind === 'vit' ? { parameters: initVit(config, seed), buffers: new Map() } : initConvnet(config, seed);

/**
 * The start's weights where the network has tensors of these names and shapes, drawn ones where not: the head, for another number of
 * classes. Nothing but a head may differ.
 */
export async function startFrom(network: Network, start: StateDict, seed: number): Promise<LiveState> {
  const fresh = freshState(network, seed);
  const drawn = await fromTensors(new Map([...fresh.parameters, ...fresh.buffers]));
  dispose([...fresh.parameters.values(), ...fresh.buffers.values()]);
  const merged: StateDict = new Map(
    [...drawn].map(([name, tensor]) => {
      const known = start.get(name);
      const same = known !== undefined && known.shape.join() === tensor.shape.join();
      if (!same && !/^(head|classifier|linear|fc)\.|num_batches_tracked$/.test(name))
        throw new RangeError(`the start has no "${name}" of shape [${tensor.shape}]`);
      // Counts of batches are int32 here, whatever the file had.
      return [name, same && known.dtype === tensor.dtype ? known : tensor];
    }),
  );
  return separateBuffers(toTensors(merged));
}

/** Mean cross-entropy and its gradients; where a network is normalised by batches, with their statistics. */
export const gradientsOf = (network: Network): GradientFunction<Batch> =>
  tapeGradients<Batch>((parameters, buffers, { images, targets }) => {
    if (network.kind === 'vit')
      return crossEntropy(vit(network.config, vitLayers(parameters), images), targets);
    const step = trainingForward(network.config, parameters, buffers, images);
    return { loss: crossEntropy(step.logits, targets), buffers: step.buffers };
  });

/** Bytes to what the network takes: float32 [B, C, H, W] and int32 [B]. */
export function toBatch(
  { kind, config }: Network,
  { images, labels }: { readonly images: Uint8Array; readonly labels: Int32Array },
): { images: Tensor; targets: Tensor } {
  const { channels, imageSize } = config;
  const values =
    kind === 'vit'
      ? preprocessForVit(images, labels.length, config)
      : preprocessForConvnet(images, labels.length, config);
  return {
    images: tensor(values, [labels.length, channels, imageSize, imageSize]),
    targets: tensor(labels, [labels.length], 'int32'),
  };
}

/** Refuses images that the network does not take. @throws {RecipeError} RECIPE_IMAGE_SIZE, RECIPE_CLASSES. */
export function requireImages(network: Network, dataset: ImageDataset): void {
  const { name, imageSize, channels, classes } = network.config;
  // It compares sizes and classes alone, which both kinds of configuration have.
  requireFit(dataset, { name, imageSize, channels, classes } as Parameters<typeof requireFit>[1]);
}

const evaluationBatch = 250;

async function* inBatches(network: Network, dataset: ImageDataset, batchSize: number) {
  for await (const batch of batches(dataset, { batchSize })) yield toBatch(network, batch);
}

/** Top-1 of a network with these weights, from 0 to 1. */
export async function top1Of(
  network: Network,
  state: StateDict,
  dataset: ImageDataset,
  watch: { readonly signal?: AbortSignal } = {},
): Promise<number> {
  requireImages(network, dataset);
  const { parameters, buffers } = separateBuffers(toTensors(state));
  const layers =
    network.kind === 'vit'
      ? { kind: network.kind, of: vitLayers(parameters) }
      : { kind: network.kind, of: convnetLayers(parameters, buffers) };
  try {
    const { top1 } = await evaluate({
      forward: (images) =>
        network.kind === 'vit' && layers.kind === 'vit'
          ? vit(network.config, layers.of, images)
          : convnet(
              network.config as Parameters<typeof convnet>[0],
              layers.of as ReturnType<typeof convnetLayers>,
              images,
            ),
      batches: inBatches(network, dataset, evaluationBatch),
      ...watch,
    });
    return top1;
  } finally {
    dispose([...parameters.values(), ...buffers.values()]);
  }
}

/**
 * The state with statistics of batch normalisations estimated anew from these images, without their labels. With a share below 1 the rest
 * is what the state had, as in the paper's script for weaker patches.
 *
 * @throws {ConvnetError} CONVNET_NO_IMAGES, CONVNET_OPTION_INVALID.
 */
export async function recalibrated(
  network: Network,
  state: StateDict,
  images: ImageDataset,
  share = 1,
): Promise<StateDict> {
  if (network.kind === 'vit' || !hasBatchNorm(network)) return state;
  const { parameters, buffers } = separateBuffers(toTensors(state));
  try {
    const batch = inBatches(network, images, evaluationBatch);
    const renewed = await recalibrate(network.config, parameters, buffers, batch, { share });
    const statistics = await fromTensors(renewed);
    dispose([...renewed.values()]);
    return new Map([...state].map(([name, tensor]) => [name, statistics.get(name) ?? tensor]));
  } finally {
    dispose([...parameters.values(), ...buffers.values()]);
  }
}
