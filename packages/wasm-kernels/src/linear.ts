import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { batchProduct } from './batch-product.ts';
import { heapOf, type WasmBackend } from './heap.ts';

/** `proj.Linear` for `@proj/ops`: x [rows, in] times weight [out, in] transposed, plus bias [out], in one pass. */
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
