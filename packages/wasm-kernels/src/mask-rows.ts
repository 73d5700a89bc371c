import type { TensorInfo } from '@tensorflow/tfjs-core';
import { shifts } from './batch-product.ts';

/**
 * How a mask [..., C] broadcasts to the matrices of scores [...leading, rows, C]: for each matrix where the mask's rows start, and how
 * far apart they are, 0 where there is one for all; in bytes.
 */
export function maskRows({ shape }: TensorInfo, leading: readonly number[], rows: number) {
  const [own, width] = [shape.at(-2) ?? 1, shape.at(-1)!];
  return {
    starts: shifts(shape.slice(0, -2), leading, own * width).map((elements) => 4 * elements),
    step: own === rows ? 4 * width : 0,
  };
}
