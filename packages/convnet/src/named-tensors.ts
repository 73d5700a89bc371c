import type { NamedTensors } from '@proj/ops';
import type { Tensor } from '@tensorflow/tfjs-core';
import { ConvnetError } from './error.ts';

/** Looks tensors up, where each that is missing is an error (`CONVNET_TENSOR_MISSING`). */
export function named(tensors: NamedTensors): (name: string) => Tensor {
  return (name) => {
    const tensor = tensors.get(name);
    if (tensor !== undefined) return tensor;
    throw new ConvnetError(
      'CONVNET_TENSOR_MISSING',
      `there is no tensor ${name} among the ${tensors.size} given; checkTensors() lists all that differ.`,
    );
  };
}
