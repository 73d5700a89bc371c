import {
  BatchMatMul,
  type BatchMatMulAttrs,
  type KernelConfig,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { batchProduct } from './batch-product.ts';
import { heapOf, type WasmBackend } from './heap.ts';

/** tfjs's `BatchMatMul` for the wasm backend: any batch shapes that broadcast, any transposes. */
export const batchMatMulKernel: KernelConfig = {
  kernelName: BatchMatMul,
  backendName: 'wasm',
  setupFunc: (backend) => void heapOf(backend as WasmBackend),
  kernelFunc({ inputs, attrs, backend }) {
    const { a, b } = inputs as { a: TensorInfo; b: TensorInfo };
    const { transposeA, transposeB } = attrs as unknown as BatchMatMulAttrs;
    return batchProduct(backend as WasmBackend, a, b, transposeA, transposeB);
  },
};
