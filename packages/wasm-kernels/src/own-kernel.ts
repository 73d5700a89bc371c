import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { type Heap, heapOf, type WasmBackend } from './heap.ts';
import { type Make, withOutputs } from './outputs.ts';

/** What one run of a kernel gets besides its tensors: its numbers, the heap, and how to allocate a float32 result. */
export interface Run {
  readonly attrs: Readonly<Record<string, number>>;
  readonly heap: Heap;
  readonly make: Make;
}

/**
 * A kernel of the wasm backend that tfjs does not have, for `@proj/ops`, which checks shapes and types before it calls.
 */
export function ownKernel<Name extends string, Optional extends string = never>(
  name: string,
  run: (
    tensors: Readonly<Record<Name, TensorInfo> & { [K in Optional]?: TensorInfo }>,
    run: Run,
  ) => TensorInfo | TensorInfo[],
): KernelConfig {
  return {
    kernelName: `proj.${name}`,
    backendName: 'wasm',
    setupFunc: (backend) => void heapOf(backend as WasmBackend),
    kernelFunc({ inputs: given, attrs, backend }) {
      const wasm = backend as WasmBackend;
      return withOutputs(wasm, (make) =>
        run(given as Record<Name, TensorInfo> & { [K in Optional]?: TensorInfo }, {
          attrs: attrs as unknown as Record<string, number>,
          heap: heapOf(wasm),
          make,
        }),
      );
    },
  };
}
