import { backend_util, GatherV2, type GatherV2Attrs, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { WasmKernelsError } from './error.ts';
import { tfjsKernel } from './tfjs-kernel.ts';

/**
 * tfjs's `GatherV2` for the wasm backend: x and indices, along an axis and with any number of batch axes. tfjs's own computes a
 * position for every element; this one copies rows, those that follow each other in x as one.
 */
export const gatherKernel = tfjsKernel<{ x: TensorInfo; indices: TensorInfo }, GatherV2Attrs>(
  GatherV2,
  ({ x, indices }, { axis, batchDims }, { backend, heap: { kernels, offset }, make }) => {
    const along = util.parseAxisParam(axis, x.shape)[0]!;
    const sizes = backend_util.segment_util.collectGatherOpShapeInfo(x, indices, along, batchDims);
    const { batchSize, outerSize, dimSize, sliceSize, outputShape } = sizes;
    const y = make(outputShape, x.dtype);
    if (util.sizeFromShape(outputShape) === 0) return y;

    const list = backend.readSync(indices.dataId);
    const wrong = list.findIndex((index) => !(index >= 0 && index < dimSize));
    if (wrong >= 0) {
      throw new WasmKernelsError(
        'WASM_KERNELS_BAD_INDEX',
        `gather: index ${list[wrong]} is not one of the ${dimSize} along axis ${along} of x [${x.shape}].`,
      );
    }
    const bytes = util.bytesPerElement(x.dtype);
    const copy = bytes === 1 ? kernels.transposeBytes : kernels.transposeWords;
    const row = bytes * sliceSize;
    const perBatch = list.length / batchSize;
    let to = offset(y);
    for (let batch = 0; batch < batchSize; batch++) {
      const runs = consecutive(list.subarray(batch * perBatch, (batch + 1) * perBatch));
      for (let outer = 0; outer < outerSize; outer++) {
        const from = offset(x) + (batch * outerSize + outer) * dimSize * row;
        for (const { start, count } of runs) {
          copy(1, 0, 0, 1, 0, 0, 1, 0, 0, count * sliceSize, bytes, from + start * row, to);
          to += count * row;
        }
      }
    }
    return y;
  },
);

/** Indices as runs that go up by one. */
function consecutive(indices: ArrayLike<number>): { start: number; count: number }[] {
  const runs: { start: number; count: number }[] = [];
  for (let i = 0; i < indices.length; i++) {
    const start = indices[i]!;
    const last = runs.at(-1);
    if (last !== undefined && start === last.start + last.count) last.count++;
    else runs.push({ start, count: 1 });
  }
  return runs;
}
