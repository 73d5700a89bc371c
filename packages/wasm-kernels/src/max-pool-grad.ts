import {
  backend_util,
  type KernelConfig,
  MaxPoolGrad,
  type MaxPoolGradAttrs,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { heapOf, type WasmBackend } from './heap.ts';
import { withOutputs } from './outputs.ts';

/** tfjs's `MaxPoolGrad` for the wasm backend; the stock one is wrong where a window's maximum is negative. */
export const maxPoolGradKernel: KernelConfig = {
  kernelName: MaxPoolGrad,
  backendName: 'wasm',
  setupFunc: (backend) => void heapOf(backend as WasmBackend),
  kernelFunc({ inputs, attrs, backend: given }) {
    const backend = given as WasmBackend;
    const { dy, input } = inputs as { dy: TensorInfo; input: TensorInfo };
    const { filterSize, strides, pad, dimRoundingMode } = attrs as unknown as MaxPoolGradAttrs;
    const pool = backend_util.computePool2DInfo(
      input.shape as [number, number, number, number],
      filterSize,
      strides,
      1,
      pad,
      dimRoundingMode,
    );
    const { kernels, offset } = heapOf(backend);
    return withOutputs(backend, (make) => {
      const dx = make(input.shape);
      kernels.maxPoolGradient(
        pool.batchSize,
        pool.inHeight,
        pool.inWidth,
        pool.inChannels,
        pool.outHeight,
        pool.outWidth,
        pool.filterHeight,
        pool.filterWidth,
        pool.strideHeight,
        pool.strideWidth,
        pool.padInfo.top,
        pool.padInfo.left,
        offset(input),
        offset(dy),
        offset(dx),
      );
      return dx;
    });
  },
};
