import { type TensorInfo, UnsortedSegmentSum, util } from '@tensorflow/tfjs-core';
import { WasmKernelsError } from './error.ts';
import { tfjsKernel } from './tfjs-kernel.ts';
import { requireFloats } from './windows.ts';

/**
 * `UnsortedSegmentSum`, which tfjs's wasm backend lacks: x [N, ...], segmentIds [N] int32 -> [numSegments, ...]; the gradient of
 * `tf.gather`. Rows whose id is no segment's are left out, as on the other backends.
 */
export const unsortedSegmentSumKernel = tfjsKernel<
  { x: TensorInfo; segmentIds: TensorInfo },
  { numSegments: number }
>(UnsortedSegmentSum, ({ x, segmentIds }, { numSegments }, { heap: { kernels, offset }, make }) => {
  requireFloats('unsortedSegmentSum', { x });
  const [count, ...rest] = x.shape as [number, ...number[]];
  if (segmentIds.dtype !== 'int32' || segmentIds.shape.length !== 1 || segmentIds.shape[0] !== count) {
    throw new WasmKernelsError(
      segmentIds.dtype === 'int32' ? 'WASM_KERNELS_BAD_SHAPE' : 'WASM_KERNELS_BAD_DTYPE',
      `unsortedSegmentSum: the ids must be int32 [${count}], one for each row of x [${x.shape}], got ${segmentIds.dtype} [${segmentIds.shape}].`,
    );
  }
  const y = make([numSegments, ...rest]);
  kernels.segmentSum(count, util.sizeFromShape(rest), numSegments, offset(x), offset(segmentIds), offset(y));
  return y;
});
