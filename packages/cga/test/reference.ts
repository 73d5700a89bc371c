import type { OfqCase } from '@proj/fixtures';
import { type Tensor, tensor } from '@tensorflow/tfjs-core';

/** A float32 tensor of a case, live. */
export function live({ tensors }: OfqCase, name: string): Tensor {
  const { shape, data } = tensors.get(name)!;
  return tensor(Float32Array.from(data), [...shape]);
}
