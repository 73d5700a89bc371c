import type { NamedTensors } from '@proj/ops';
import type { StateDict } from '@proj/tensor-io';
import {
  checkParameters,
  floatLayers,
  floatSwinLayers,
  type SwinConfig,
  swin,
  swinParameters,
  type VitConfig,
  vit,
  vitOutputs,
  vitParameters,
} from '@proj/vit';
import {
  frozenLayers,
  frozenSwinLayers,
  type QuantizedDesign,
  type QuantizedHooks,
  quantizedLayers,
  quantizedSwinLayers,
} from '@proj/vit/quantized';
import type { Tensor } from '@tensorflow/tfjs-core';

/** A quantized model in memory, and how it is quantized. */
export interface QuantizedClassifier {
  readonly config: VitConfig | SwinConfig;
  readonly design: QuantizedDesign;
  readonly parameters: NamedTensors;
  readonly buffers: NamedTensors;
  /** Whether it comes from `unpackModel`: weights that lie on their levels already. Such a model is not trained. */
  readonly unpacked?: boolean | undefined;
}

export const isSwin = (config: VitConfig | SwinConfig): config is SwinConfig => 'depths' in config;

/** Logits [B, classes] of each head of a float model: one, or cls and dist. */
export function floatOutputs(
  config: VitConfig | SwinConfig,
  parameters: NamedTensors,
  images: Tensor,
): Tensor[] {
  return isSwin(config)
    ? [swin(config, floatSwinLayers(parameters), images)]
    : vitOutputs(config, floatLayers(parameters), images);
}

/** Logits [B, classes] of each head of a quantized model: one, or cls and dist. */
export function quantizedOutputs(
  { config, design, parameters, buffers }: QuantizedClassifier,
  images: Tensor,
  hooks: QuantizedHooks = {},
): Tensor[] {
  return isSwin(config)
    ? [swin(config, quantizedSwinLayers(config, design, parameters, buffers, hooks), images)]
    : vitOutputs(config, quantizedLayers(config, design, parameters, buffers, hooks), images);
}

/** What a float model is evaluated by, [B, classes]: the mean of its heads. */
export function floatLogits(
  config: VitConfig | SwinConfig,
  parameters: NamedTensors,
  images: Tensor,
): Tensor {
  return isSwin(config)
    ? swin(config, floatSwinLayers(parameters), images)
    : vit(config, floatLayers(parameters), images);
}

/** What a quantized model is evaluated by, [B, classes]: the mean of its heads. */
export function quantizedLogits(
  { config, design, parameters, buffers, unpacked = false }: QuantizedClassifier,
  images: Tensor,
): Tensor {
  if (isSwin(config)) {
    const layers = unpacked ? frozenSwinLayers : quantizedSwinLayers;
    return swin(config, layers(config, design, parameters, buffers), images);
  }
  const layers = unpacked ? frozenLayers : quantizedLayers;
  return vit(config, layers(config, design, parameters, buffers), images);
}

/**
 * A float model's parameters, without the buffers that torchvision stores beside a Swin Transformer's.
 *
 * @throws {VitError} `VIT_PARAMETERS_MISMATCH`.
 */
export function floatParameters(config: VitConfig | SwinConfig, state: StateDict): StateDict {
  checkParameters(config, state);
  const specs = isSwin(config) ? swinParameters(config) : vitParameters(config);
  return new Map(specs.map(({ name }) => [name, state.get(name)!]));
}
