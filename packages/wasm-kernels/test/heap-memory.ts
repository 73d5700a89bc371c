import * as tf from '@tensorflow/tfjs-core';
import type { WasmBackend } from '../src/heap.ts';

/** The memory of the wasm backend, which is in force; the threaded build keeps it elsewhere. */
export function heapMemory(): WebAssembly.Memory {
  const { wasm } = tf.backend() as unknown as WasmBackend;
  return (wasm.wasmMemory ?? wasm.asm['memory']) as WebAssembly.Memory;
}
