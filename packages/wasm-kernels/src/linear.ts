import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { batchProduct } from './batch-product.ts';
import { heapOf, type WasmBackend } from './heap.ts';
import { ownKernel } from './own-kernel.ts';

/** x [rows, in], weight [out, in], bias [out] -> x weightᵀ + bias [rows, out] in one pass. */
export const linearKernel: KernelConfig = {
  kernelName: 'proj.Linear',
  backendName: 'wasm',
  setupFunc: (backend) => void heapOf(backend as WasmBackend),
  kernelFunc({ inputs, backend }) {
    const { x, weight, bias } = inputs as { x: TensorInfo; weight: TensorInfo; bias: TensorInfo };
    const epilogue = { bias, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
    return batchProduct(backend as WasmBackend, x, weight, false, true, epilogue);
  },
};

/** x [rows, C] -> the sums of its columns [C], as a bias's gradient needs them. */
export const columnSumsKernel = ownKernel<'x'>('ColumnSums', ({ x }, { heap: { kernels, offset }, make }) => {
  const [rows, width] = x.shape as [number, number];
  const y = make([width]);
  kernels.columnSums(rows, width, offset(x), offset(y));
  return y;
});
