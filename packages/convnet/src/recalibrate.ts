import type { NamedTensors } from '@proj/ops';
import { add, dispose, mul, onesLike, type Tensor, tidy, zerosLike } from '@tensorflow/tfjs-core';
import type { ConvnetConfig } from './config.ts';
import { ConvnetError } from './error.ts';
import { convnetFeatures } from './model.ts';
import { trainingLayers, withUpdates } from './training.ts';

export interface RecalibrateOptions {
  /** Share of the recalibrated statistics in the returned ones, in [0, 1]; the rest is that of the given ones. Defaults to 1. */
  readonly share?: number;
}

/**
 * Estimates the running statistics of all batch normalisations anew from unlabelled images, as after patching (Cai et al. 2023, official
 * code) or to adapt a model to other images (Schneider et al. 2020): mean 0 and variance 1 to begin with, then one pass as in training,
 * where batch of b images after n others moves the statistics by b / (n + b): the average over the batches, weighted by their sizes.
 * Counts of batches begin anew too.
 *
 * With a share α below 1, (1 - α) given + α recalibrated is returned; counts are not mixed.
 *
 * @param batches float32 `images` [B, channels, imageSize, imageSize], normalised; all tensors of a batch are consumed.
 * @returns new tensors for all of `buffers`, in their order; those given stay as they are.
 * @throws {ConvnetError} `CONVNET_NO_IMAGES` without a batch; `CONVNET_OPTION_INVALID`; what `trainingForward` throws. Nothing stays allocated then.
 */
export async function recalibrate(
  config: ConvnetConfig,
  parameters: NamedTensors,
  buffers: NamedTensors,
  batches: Iterable<{ readonly images: Tensor }> | AsyncIterable<{ readonly images: Tensor }>,
  { share = 1 }: RecalibrateOptions = {},
): Promise<Map<string, Tensor>> {
  if (!(share >= 0 && share <= 1)) {
    throw new ConvnetError('CONVNET_OPTION_INVALID', `share must lie in [0, 1], got ${share}.`);
  }
  let running: NamedTensors = reset(buffers);
  try {
    let seen = 0;
    for await (const batch of batches) {
      try {
        const { images } = batch;
        const size = images.shape[0]!;
        seen += size;
        const next = pass(config, parameters, running, images, size / seen);
        dispose([...running.values()]);
        running = next;
      } finally {
        dispose(Object.values(batch));
      }
    }
    if (seen === 0) {
      throw new ConvnetError(
        'CONVNET_NO_IMAGES',
        'there was no image to recalibrate with; pass at least one batch.',
      );
    }
    return mixed(buffers, running, share);
  } finally {
    dispose([...running.values()]);
  }
}

function reset(buffers: NamedTensors): Map<string, Tensor> {
  const start = (name: string, tensor: Tensor) =>
    name.endsWith('.running_var') ? onesLike(tensor) : zerosLike(tensor);
  return new Map([...buffers].map(([name, tensor]) => [name, start(name, tensor)]));
}

/** All buffers after one batch, each a tensor of its own. */
function pass(
  config: ConvnetConfig,
  parameters: NamedTensors,
  running: NamedTensors,
  images: Tensor,
  momentum: number,
): NamedTensors {
  const { logits: features, buffers } = withUpdates(running, (updates) =>
    convnetFeatures(config, trainingLayers(parameters, running, updates, { momentum }), images),
  );
  features.dispose();
  return new Map(
    [...buffers].map(([name, tensor]) => [name, tensor === running.get(name) ? tensor.clone() : tensor]),
  );
}

function mixed(given: NamedTensors, recalibrated: NamedTensors, share: number): Map<string, Tensor> {
  return new Map(
    [...recalibrated].map(([name, statistic]) => [
      name,
      share === 1 || name.endsWith('.num_batches_tracked')
        ? statistic.clone()
        : tidy(() => add(mul(given.get(name)!, 1 - share), mul(statistic, share))),
    ]),
  );
}
