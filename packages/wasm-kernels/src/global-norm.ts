import { type KernelConfig, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { heapOf, type WasmBackend } from './heap.ts';

/** Any number of tensors -> the root of the sum of all squares, a scalar; summed in float64, tensor by tensor. */
export const globalNormKernel: KernelConfig = {
  kernelName: 'proj.GlobalNorm',
  backendName: 'wasm',
  setupFunc: (backend) => void heapOf(backend as WasmBackend),
  kernelFunc({ inputs, backend: given }) {
    const backend = given as WasmBackend;
    const { kernels, offset } = heapOf(backend);
    let sum = 0;
    for (const tensor of Object.values(inputs) as TensorInfo[]) {
      sum += kernels.sumOfSquares(util.sizeFromShape(tensor.shape), offset(tensor));
    }
    const dataId = backend.write(Float32Array.of(Math.sqrt(sum)), [], 'float32');
    return { dataId, shape: [], dtype: 'float32' };
  },
};
