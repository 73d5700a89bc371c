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

/**
 * The same for a mask [R, H, rows, C], or what broadcasts to it, of the heads of a batch, that of each image after that of the one
 * before: the R serve R of the batch and then the next R.
 */
export function packedMaskRows(mask: TensorInfo, batch: number, heads: number, rows: number) {
  const period = mask.shape.length === 4 ? mask.shape[0]! : 1;
  return maskRows(mask, [batch / period, period, heads], rows);
}
