import {
  _FusedMatMul,
  type _FusedMatMulAttrs,
  type _FusedMatMulInputs,
  type KernelConfig,
} from '@tensorflow/tfjs-core';
import { fused } from './activation.ts';
import { batchProduct } from './batch-product.ts';
import { heapOf, type WasmBackend } from './heap.ts';

/** tfjs's `_FusedMatMul` for the wasm backend: product, bias of one value per column, activation. */
export const fusedMatMulKernel: KernelConfig = {
  kernelName: _FusedMatMul,
  backendName: 'wasm',
  setupFunc: (backend) => void heapOf(backend as WasmBackend),
  kernelFunc({ inputs, attrs, backend: given }) {
    const backend = given as WasmBackend;
    const { a, b, bias, preluActivationWeights } = inputs as _FusedMatMulInputs;
    const { transposeA, transposeB, activation, leakyreluAlpha } = attrs as unknown as _FusedMatMulAttrs;
    const columns = b.shape.at(transposeB ? -2 : -1)!;
    const then = { bias, activation, preluActivationWeights, leakyreluAlpha };
    return fused('fused matMul', backend, columns, then, (epilogue) =>
      batchProduct(backend, a, b, transposeA, transposeB, epilogue),
    );
  },
};
