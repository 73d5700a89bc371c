import type { Tensor } from '@tensorflow/tfjs-core';

/** Live parameters, gradients or moments: an ordered map from the field's names to tensors in PyTorch's layouts. */
export type NamedTensors = ReadonlyMap<string, Tensor>;
