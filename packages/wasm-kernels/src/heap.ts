import type { DataType, TensorInfo } from '@tensorflow/tfjs-core';
import { WasmKernelsError } from './error.ts';
import { createKernels, type Kernels } from './kernels.ts';
import type { Flavour } from './module.ts';

/** What is used of tfjs-wasm's backend (4.22). */
export interface WasmBackend {
  readonly wasm: {
    readonly asm: Readonly<Record<string, unknown>>;
    readonly wasmMemory?: unknown;
    readonly tfjs: {
      registerTensor(id: number, size: number, offset: number): void;
      disposeData(id: number): void;
    };
    _malloc(bytes: number): number;
    _free(offset: number): void;
  };
  readonly dataIdMap: { get(dataId: object): { readonly id: number; readonly memoryOffset: number } };
  makeOutput(shape: number[], dtype: DataType): TensorInfo;
  write(values: Float32Array, shape: number[], dtype: DataType): object;
  readSync(dataId: object): Int32Array;
  disposeData(dataId: object): boolean;
  incRef(dataId: object): void;
  refCount(dataId: object): number;
}

/** tfjs-wasm's heap with our kernels on it. */
export interface Heap {
  /** Of the flavour that is in force. */
  readonly kernels: Kernels;
  /** Byte offset of a tensor's data. */
  offset(tensor: TensorInfo): number;
  /** Runs `use` with `bytes` of free memory, which is given back afterwards. */
  withScratch<T>(bytes: number, use: (offset: number) => T): T;
}

const heaps = new WeakMap<WasmBackend, Heap>();
let flavour: Flavour = 'reproducible';

/** Has the kernels of all heaps be of this flavour from now on. */
export function useFlavour(wanted: Flavour): void {
  flavour = wanted;
}

export function flavourInForce(): Flavour {
  return flavour;
}

/**
 * Our kernels on a backend's own heap, compiled at the first call for it.
 *
 * From then on the backend's allocations are checked: a failed one throws `WASM_KERNELS_OUT_OF_MEMORY`, where tfjs would take
 * address 0 and overwrite its own data.
 *
 * @throws {WasmKernelsError} `WASM_KERNELS_NO_MEMORY` where the backend is not laid out like tfjs-backend-wasm 4.22.
 */
export function heapOf(backend: WasmBackend): Heap {
  const known = heaps.get(backend);
  if (known !== undefined) return known;
  const { wasm } = backend;
  // The single-threaded builds export their memory, the threaded one is handed it.
  const memory = wasm.wasmMemory ?? wasm.asm?.['memory'];
  const malloc = wasm.asm?.['malloc'];
  if (!(memory instanceof WebAssembly.Memory) || typeof malloc !== 'function') {
    throw new WasmKernelsError(
      'WASM_KERNELS_NO_MEMORY',
      "the wasm backend exposes no memory and malloc where version 4.22 has them; use @tensorflow/tfjs-backend-wasm 4.22 or do without '@proj/wasm-kernels/install'.",
    );
  }
  wasm._malloc = (bytes) => {
    // WebAssembly would take a larger number modulo 2^32, and allocate too little without a word.
    const offset: number = bytes >= 0 && bytes < 2 ** 32 ? malloc(bytes) : 0;
    if (offset === 0) throw outOfMemory(bytes, memory);
    return offset;
  };
  let kernels = createKernels(memory, flavour);
  const heap: Heap = {
    get kernels() {
      if (kernels.flavour !== flavour) kernels = createKernels(memory, flavour);
      return kernels;
    },
    offset: (tensor) => backend.dataIdMap.get(tensor.dataId).memoryOffset,
    withScratch(bytes, use) {
      const offset = wasm._malloc(bytes);
      try {
        return use(offset);
      } finally {
        wasm._free(offset);
      }
    },
  };
  heaps.set(backend, heap);
  return heap;
}

function outOfMemory(bytes: number, memory: WebAssembly.Memory): WasmKernelsError {
  const megabytes = (count: number): string => `${(count / 2 ** 20).toFixed(1)} MiB`;
  return new WasmKernelsError(
    'WASM_KERNELS_OUT_OF_MEMORY',
    `the wasm heap has no room for another ${megabytes(bytes)} (it has ${megabytes(memory.buffer.byteLength)}, and can have 4096); dispose tensors that are not needed or take a smaller batch.`,
  );
}
