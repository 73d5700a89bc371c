import { batchNormTraining, type NamedTensors } from '@proj/ops';
import { random } from '@proj/random';
import { add, mul, scalar, type Tensor, tensor, tidy } from '@tensorflow/tfjs-core';
import { batchNormEps } from './batch-norm-eps.ts';
import type { ConvnetConfig } from './config.ts';
import { ConvnetError } from './error.ts';
import type { ConvnetLayers } from './layers.ts';
import { convnet } from './model.ts';
import { named } from './named-tensors.ts';
import { network } from './network.ts';
import { tensorLayers } from './tensor-layers.ts';

export interface TrainingOptions {
  /** Share of a batch's statistics in the running ones afterwards, in [0, 1]. Defaults to 0.1, as in PyTorch. */
  readonly momentum?: number;
  /**
   * Seed of what is dropped, a safe integer: pass another one each step, e.g. the step's number. Needed where the configuration
   * drops hidden values (`head.dropout`), as torchvision's VGGs do.
   */
  readonly dropoutSeed?: number;
}

/** What the forward pass of a training step gives. */
export interface TrainingOutputs {
  /** [B, classes] */
  readonly logits: Tensor;
  /** The buffers after the step, in the order of those given, which stay as they are; the very map where nothing is normalised. */
  readonly buffers: NamedTensors;
}

/**
 * The forward pass as a model trains: batch normalisation with the statistics of the batch, towards which the running ones in
 * `buffers` are moved, with the unbiased variance (Ioffe and Szegedy 2015, PyTorch's `BatchNorm2d`); counts of batches, where there
 * are any, go up by one; hidden values are dropped and the others divided by their share (Srivastava et al. 2014).
 *
 * Differentiable with respect to the images and every parameter. Besides the logits and the new buffers no tensor stays.
 *
 * @param images float32 [B, channels, imageSize, imageSize], normalised.
 * @throws {ConvnetError} `CONVNET_CONFIG_INVALID`; `CONVNET_OPTION_INVALID` for hidden values to be dropped without a seed;
 * `CONVNET_TENSOR_MISSING`, `CONVNET_INPUT_SHAPE`; `OpsError` for a momentum outside [0, 1] and where a batch has less than two
 * values a channel.
 */
export function trainingForward(
  config: ConvnetConfig,
  parameters: NamedTensors,
  buffers: NamedTensors,
  images: Tensor,
  options: TrainingOptions = {},
): TrainingOutputs {
  return withUpdates(buffers, (updates) => {
    const layers = trainingLayers(parameters, buffers, updates, options);
    if (options.dropoutSeed === undefined) requireNoDropout(config);
    return convnet(config, layers, images);
  });
}

/** Runs a forward pass that notes updated buffers, and frees all but its outcome and those. */
export function withUpdates(
  buffers: NamedTensors,
  forward: (updates: Map<string, Tensor>) => Tensor,
): TrainingOutputs {
  const updates = new Map<string, Tensor>();
  const [logits] = tidy(() => [forward(updates), ...updates.values()]);
  const next = [...buffers].map(([name, tensor]) => [name, updates.get(name) ?? tensor] as const);
  return { logits: logits!, buffers: updates.size === 0 ? buffers : new Map(next) };
}

/** Layers as in training, which put new running statistics into `updates`. */
export function trainingLayers(
  parameters: NamedTensors,
  buffers: NamedTensors,
  updates: Map<string, Tensor>,
  { momentum = 0.1, dropoutSeed = 0 }: TrainingOptions,
): ConvnetLayers<Tensor> {
  const get = named(parameters);
  const statistic = named(buffers);
  return tensorLayers(parameters, {
    norm(x, norm) {
      const running = {
        mean: statistic(`${norm}.running_mean`),
        variance: statistic(`${norm}.running_var`),
      };
      const spec = { ...running, eps: batchNormEps, momentum };
      const { y, mean, variance } = batchNormTraining(x, get(`${norm}.weight`), get(`${norm}.bias`), spec);
      return [y, mean, variance];
    },
    keepStatistics(norm, [mean, variance]) {
      updates.set(`${norm}.running_mean`, mean!);
      updates.set(`${norm}.running_var`, variance!);
      const name = `${norm}.num_batches_tracked`;
      const count = buffers.get(name);
      // Files bring counts as float32, and an int32 one stays int32.
      if (count !== undefined)
        updates.set(
          name,
          tidy(() => add(count, scalar(1, count.dtype as 'int32'))),
        );
    },
    dropout(x, rate, linear) {
      if (rate === 0) return x;
      const draws = random(dropoutSeed, 'dropout', linear);
      const kept = Float32Array.from({ length: x.size }, () => (draws.uniform() < rate ? 0 : 1 / (1 - rate)));
      return mul(x, tensor(kept, x.shape));
    },
  });
}

function requireNoDropout(config: ConvnetConfig): void {
  const { linears, dropout } = network(config).head;
  if (dropout === 0 || linears.length === 1) return;
  throw new ConvnetError(
    'CONVNET_OPTION_INVALID',
    `${config.name} drops ${100 * dropout} % of its hidden values in training: pass a dropoutSeed, another one each step, or set head.dropout to 0 in the configuration.`,
  );
}
