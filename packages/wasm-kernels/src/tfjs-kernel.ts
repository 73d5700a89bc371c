import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { type Heap, heapOf, type WasmBackend } from './heap.ts';
import { type Make, withOutputs } from './outputs.ts';

/** What one run of a kernel gets besides its inputs and attributes. */
interface Run {
  readonly backend: WasmBackend;
  readonly heap: Heap;
  /** Allocates a result; where the kernel fails, what it made is given back. */
  readonly make: Make;
}

/** A kernel for the wasm backend under one of tfjs's own names. */
export function tfjsKernel<Inputs, Attrs>(
  kernelName: string,
  run: (inputs: Inputs, attrs: Attrs, run: Run) => TensorInfo,
): KernelConfig {
  return {
    kernelName,
    backendName: 'wasm',
    setupFunc: (backend) => void heapOf(backend as WasmBackend),
    kernelFunc({ inputs, attrs, backend: given }) {
      const backend = given as WasmBackend;
      const heap = heapOf(backend);
      return withOutputs(backend, (make) =>
        run(inputs as unknown as Inputs, attrs as unknown as Attrs, { backend, heap, make }),
      );
    },
  };
}
