import { gather, reshape, scatterND, type Tensor, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.ts';
import { OpsError } from './error.ts';
import { requireFloat, requireShapes } from './shapes.ts';

/**
 * Rows of `x` [B, M, C] by number, the same for the whole batch: y[b, i] = x[b, index[i]], [B, N, C] with N = `index.length`, float32.
 *
 * The gradient of a permutation is the gather by its inverse, which costs no more than the value; of any other index, each row's
 * sum over the places it was taken to. With the kernels of `@proj/wasm-kernels` a gather copies rows, where
 * tfjs-wasm's own computes a position for every element.
 *
 * @throws {OpsError} `OPS_SHAPE_MISMATCH`, `OPS_BAD_DTYPE`, `OPS_BAD_ARGUMENT` for a number that is no row's.
 */
export function gatherRows(x: Tensor, index: Int32Array): Tensor {
  requireFloat('gatherRows', { x });
  requireShapes(x.rank === 3 && x.size > 0, 'gatherRows', 'x [B, M, C], not empty', { x });
  const [batch, rows, channels] = x.shape as [number, number, number];
  const wrong = index.find((row) => !(row >= 0 && row < rows));
  if (wrong !== undefined || index.length === 0) {
    throw new OpsError(
      'OPS_BAD_ARGUMENT',
      `gatherRows: the index must hold one or more numbers of the ${rows} rows of x [${x.shape}], got ${wrong ?? 'none'}.`,
    );
  }
  return differentiable([x], ([x]) => ({
    value: gather(x!, tensor1d(index, 'int32'), 1),
    saved: [],
    gradient: (dy) => {
      const inverse = inverseOf(index, rows);
      if (inverse !== undefined) return [gather(dy, tensor1d(inverse, 'int32'), 1)];
      // Not unsortedSegmentSum, which tfjs's wasm backend has not by itself.
      const places = Int32Array.from(
        { length: batch * index.length },
        (_, i) => Math.floor(i / index.length) * rows + index[i % index.length]!,
      );
      const updates = reshape(dy, [places.length, channels]);
      const sums = scatterND(tensor2d(places, [places.length, 1], 'int32'), updates, [
        batch * rows,
        channels,
      ]);
      return [reshape(sums, [batch, rows, channels])];
    },
  }));
}

/** The inverse of a permutation of `count`; undefined where the index is none. */
function inverseOf(index: Int32Array, count: number): Int32Array | undefined {
  if (index.length !== count) return undefined;
  const inverse = new Int32Array(count).fill(-1);
  index.forEach((row, i) => {
    inverse[row] = i;
  });
  return inverse.includes(-1) ? undefined : inverse;
}
