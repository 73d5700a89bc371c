import '@tensorflow/tfjs-backend-wasm';
import { Cumprod, Cumsum, getKernel, type KernelConfig, type NamedAttrMap } from '@tensorflow/tfjs-core';

// tfjs's own, which write beyond their tensors where the axis is counted from the end.
const stock = [Cumsum, Cumprod].map((name) => getKernel(name, 'wasm')) as [KernelConfig, KernelConfig];

const fromTheStart = (kernel: KernelConfig): KernelConfig => ({
  ...kernel,
  kernelFunc: ({ inputs, attrs, backend }) => {
    const axis = attrs!['axis'] as number;
    const counted = axis < 0 ? axis + inputs['x']!.shape.length : axis;
    return kernel.kernelFunc({ inputs, attrs: { ...attrs, axis: counted } as NamedAttrMap, backend });
  },
});

/** tfjs's `Cumsum` and `Cumprod` for the wasm backend, also for an axis that is counted from the end. */
export const [cumsumKernel, cumprodKernel] = stock.map(fromTheStart) as [KernelConfig, KernelConfig];
