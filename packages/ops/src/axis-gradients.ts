import {
  backend_util,
  cumprod,
  cumsum,
  mul,
  registerGradient,
  reshape,
  type Tensor,
  transpose,
  util,
} from '@tensorflow/tfjs-core';
import { OpsError } from './error.ts';

/**
 * Gradients of `tf.cumsum` and `tf.prod` for every axis. tfjs-core's own transposes that of `tf.cumsum` (without a word where x is
 * square), and fails for `tf.prod` and for axes that are counted from the end.
 */
export function repairAxisGradients(): void {
  registerGradient({
    kernelName: 'Cumsum',
    inputsToSave: ['x'],
    gradFunc: (dy, saved, attrs) => {
      const { axis, exclusive, reverse } = attrs as unknown as CumsumAttrs;
      const { shape } = saved[0]!;
      // For an axis counted from the end the operation itself goes wrong, unless the backend's kernel was replaced.
      if (!util.arraysEqual((dy as Tensor).shape, shape)) {
        throw new OpsError(
          'OPS_WRONG_KERNEL',
          `the kernel of tf.cumsum(x, ${axis}) made [${(dy as Tensor).shape}] of x [${shape}]; pass the axis as ${axis + shape.length}.`,
        );
      }
      return { x: () => cumsum(dy as Tensor, axis < 0 ? axis + shape.length : axis, exclusive, !reverse) };
    },
  });
  registerGradient({
    kernelName: 'Prod',
    inputsToSave: ['x'],
    gradFunc: (dy, saved, attrs) => {
      const x = saved[0]!;
      const { axis } = attrs as unknown as { axis?: number | number[] | null };
      return { x: () => prodGradient(dy as Tensor, x, util.parseAxisParam(axis as number[], x.shape)) };
    },
  });
}

interface CumsumAttrs {
  readonly axis: number;
  readonly exclusive: boolean;
  readonly reverse: boolean;
}

/** dx = dy times the product of all other elements: of those before and of those behind, so that zeros do no harm. */
function prodGradient(dy: Tensor, x: Tensor, axes: number[]): Tensor {
  const order = backend_util.getAxesPermutation(axes, x.rank) ?? x.shape.map((_, axis) => axis);
  const moved = transpose(x, order);
  const length = util.sizeFromShape(axes.map((axis) => x.shape[axis]!));
  const rows = reshape(moved, [length === 0 ? 0 : x.size / length, length]);
  const others = mul(cumprod(rows, 1, true, false), cumprod(rows, 1, true, true));
  const dRows = mul(reshape(dy, [-1, 1]), others);
  return transpose(reshape(dRows, moved.shape), backend_util.getUndoAxesPermutation(order));
}
