import { Identity, type KernelConfig, type TensorInfo } from '@tensorflow/tfjs-core';
import type { WasmBackend } from './heap.ts';

/** tfjs's `Identity` for the wasm backend: shares the data, as the other backends do. The stock one copies every tensor that a gradient keeps. */
export const identityKernel: KernelConfig = {
  kernelName: Identity,
  backendName: 'wasm',
  kernelFunc({ inputs, backend }) {
    const { x } = inputs as { x: TensorInfo };
    (backend as WasmBackend).incRef(x.dataId);
    return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
  },
};
