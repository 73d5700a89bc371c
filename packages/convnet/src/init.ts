import { type RandomStream, random } from '@proj/random';
import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import type { ConvnetConfig } from './config.ts';
import { convnetTensors, separateBuffers, type TensorSpec } from './parameters.ts';

/**
 * Fresh float32 parameters and buffers, as the reference code of each model starts (He et al. 2015):
 *
 * - torchvision's VGGs: filters normal with variance 2 / (out kernel²), linear weights with deviation 0.01, biases 0;
 * - torchvision's ResNets: filters as there, the linear layer as PyTorch's, uniform in ±1 / sqrt(in);
 * - akamaster's ResNets: filters normal with variance 2 / (in kernel²), the linear weight with 2 / in, its bias as PyTorch's.
 *
 * Normalisations start with scale 1, shift 0, running mean 0, running variance 1 and no batch counted (int32). Each parameter draws
 * from a stream of its own: equal names and shapes get equal values, whatever else the model has.
 *
 * @throws {ConvnetError} `CONVNET_CONFIG_INVALID`; `RandomError` for a seed that is no safe integer.
 */
export function initConvnet(
  config: ConvnetConfig,
  seed: number,
): { parameters: Map<string, Tensor>; buffers: Map<string, Tensor> } {
  const tensors = new Map<string, Tensor>();
  for (const spec of convnetTensors(config)) {
    const { name, shape, role } = spec;
    const values = new Float32Array(shape.reduce((size, dimension) => size * dimension, 1));
    if (role === 'counter') tensors.set(name, tensor(0, [], 'int32'));
    else tensors.set(name, tensor(filled(values, spec, config, random(seed, 'convnet', name)), [...shape]));
  }
  return separateBuffers(tensors);
}

function filled(
  values: Float32Array,
  spec: TensorSpec,
  config: ConvnetConfig,
  draws: RandomStream,
): Float32Array {
  const { name, shape, role } = spec;
  const normal = (variance: number) => values.map(() => Math.sqrt(variance) * draws.normal());
  const uniform = (bound: number) => values.map(() => (2 * draws.uniform() - 1) * bound);
  const isWeight = name.endsWith('.weight');
  if (role === 'norm' || role === 'statistic')
    return values.fill(isWeight || name.endsWith('.running_var') ? 1 : 0);
  const [outputs, inputs, kernel = 1] = shape;
  const isCifar = config.architecture === 'resnet' && config.style === 'cifar';
  if (role !== 'head') {
    if (!isWeight) return values;
    return normal(2 / ((isCifar ? inputs! : outputs!) * kernel ** 2));
  }
  if (config.architecture === 'vgg') return isWeight ? normal(0.01 ** 2) : values;
  // The linear layer of a ResNet takes as many features as its last filters make.
  const features = config.widths.at(-1)! * (config.block === 'basic' ? 1 : 4);
  return isCifar && isWeight ? normal(2 / inputs!) : uniform(1 / Math.sqrt(features));
}
