import { type RandomStream, random } from '@proj/random';
import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import type { VitConfig } from './config.ts';
import { type ParameterSpec, vitParameters } from './parameters.ts';

/** Deviation of DeiT's initial weights, tokens and positions. */
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
  const fanIn = config.channels * config.patchSize ** 2;
  return new Map(
    vitParameters(config).map((parameter) => [
      parameter.name,
      tensor(initialValues(parameter, random(seed, 'vit', parameter.name), fanIn), [...parameter.shape]),
    ]),
  );
}

function initialValues({ name, shape }: ParameterSpec, draws: RandomStream, fanIn: number): Float32Array {
  const values = new Float32Array(shape.reduce((size, dimension) => size * dimension, 1));
  if (name.startsWith('patch_embed.proj.')) {
    const bound = 1 / Math.sqrt(fanIn);
    return values.map(() => (2 * draws.uniform() - 1) * bound);
  }
  if (/norm[12]?\.weight$/.test(name)) return values.fill(1);
  if (name.endsWith('.bias')) return values;
  return values.map(() => deviation * draws.normal());
}
