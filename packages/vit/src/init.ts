import { type RandomStream, random } from '@proj/random';
import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import type { VitConfig } from './config.ts';
import type { ParameterSpec } from './named-shapes.ts';
import { vitParameters } from './parameters.ts';
import type { SwinConfig } from './swin-config.ts';
import { swinParameters } from './swin-parameters.ts';

/** Deviation of the initial matrices, tokens and positions of DeiT, and of torchvision's Swin Transformers. */
const deviation = 0.02;

/**
 * Fresh float32 parameters as DeiT starts (timm's `_init_vit_weights`): matrices, tokens and positions normal with
 * deviation 0.02, biases 0, LayerNorms 1 and 0; the patch projection as PyTorch's Conv2d, weight and bias uniform in
 * ±1 / sqrt(channels patchSize²). Both heads are ordinary matrices here.
 *
 * timm's `trunc_normal_` cuts at ±2, a hundred deviations away, so that nothing is ever cut. Each parameter draws from
 * a stream of its own: equal names and shapes get equal values, whatever else the model has.
 *
 * @throws {VitError} `VIT_CONFIG_INVALID`; `RandomError` for a seed that is no safe integer.
 */
export function initVit(config: VitConfig, seed: number): Map<string, Tensor> {
  return initial(vitParameters(config), 'patch_embed.proj.', config, (name) => random(seed, 'vit', name));
}

/**
 * Fresh float32 parameters as torchvision's `SwinTransformer` starts: matrices and tables of relative positions normal with
 * deviation 0.02, biases 0, LayerNorms 1 and 0; the patch projection as PyTorch's Conv2d. What is said of `initVit`'s draws holds.
 *
 * @throws {VitError} `VIT_CONFIG_INVALID`; `RandomError` for a seed that is no safe integer.
 */
export function initSwin(config: SwinConfig, seed: number): Map<string, Tensor> {
  return initial(swinParameters(config), 'features.0.0.', config, (name) => random(seed, 'swin', name));
}

/** Initial values of each; `patches` is the prefix of the patch projection's names. */
function initial(
  parameters: readonly ParameterSpec[],
  patches: string,
  { channels, patchSize }: { readonly channels: number; readonly patchSize: number },
  draws: (name: string) => RandomStream,
): Map<string, Tensor> {
  const bound = 1 / Math.sqrt(channels * patchSize ** 2);
  const values = ({ name, shape }: ParameterSpec): Float32Array => {
    const values = new Float32Array(shape.reduce((size, dimension) => size * dimension, 1));
    const stream = draws(name);
    if (name.startsWith(patches)) return values.map(() => (2 * stream.uniform() - 1) * bound);
    // The only weights that are vectors are those of LayerNorms.
    if (name.endsWith('.weight') && shape.length === 1) return values.fill(1);
    if (name.endsWith('.bias')) return values;
    return values.map(() => deviation * stream.normal());
  };
  return new Map(
    parameters.map((parameter) => [parameter.name, tensor(values(parameter), [...parameter.shape])]),
  );
}
