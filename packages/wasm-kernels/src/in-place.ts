import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { WasmBackend } from './heap.ts';
import type { Make } from './outputs.ts';

/**
 * What a kernel may write in place of the tensors in `consumed`: their own memory where nobody else sees it, otherwise fresh. The
 * kernel must not fail afterwards, and its caller disposes `consumed`.
 *
 * Somebody else sees a tensor's memory where a clone, a reshaped tensor or a variable shares it, or where it stands twice among
 * `consumed` and `read`.
 */
export function successors(
  backend: WasmBackend,
  consumed: readonly TensorInfo[],
  read: readonly TensorInfo[],
  make: Make,
): TensorInfo[] {
  const count = new Map<object, number>();
  for (const { dataId } of [...consumed, ...read]) count.set(dataId, (count.get(dataId) ?? 0) + 1);
  // All allocations come before the first change: where one fails, everything is as it was.
  const results = consumed.map((tensor) => {
    const { dataId, shape, dtype } = tensor;
    const unshared = count.get(dataId) === 1 && backend.refCount(dataId) === 1;
    return unshared ? { dataId, shape, dtype } : make(shape);
  });
  for (const [i, { dataId, shape }] of consumed.entries()) {
    if (results[i]!.dataId !== dataId) continue;
    backend.incRef(dataId);
    forgetPacked(backend, dataId, util.sizeFromShape(shape));
  }
  return results;
}

/**
 * tfjs's own kernels keep packed copies of tensors that they have multiplied with, until these are disposed: Conv2D,
 * DepthwiseConv2dNative, BatchMatMul, the fused forms of the three, and Prelu. Tells them that this one is, and registers it anew.
 */
function forgetPacked({ dataIdMap, wasm }: WasmBackend, dataId: object, size: number): void {
  const { id, memoryOffset } = dataIdMap.get(dataId);
  wasm.tfjs.disposeData(id);
  wasm.tfjs.registerTensor(id, size, memoryOffset);
}
