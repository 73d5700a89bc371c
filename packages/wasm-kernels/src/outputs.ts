import type { DataType, TensorInfo } from '@tensorflow/tfjs-core';
import type { WasmBackend } from './heap.ts';

/** Allocates a result, float32 unless said otherwise. */
export type Make = (shape: readonly number[], dtype?: DataType) => TensorInfo;

/** Runs a kernel that allocates its results with `make`; where it fails, those that it has made are given back. */
export function withOutputs<T>(backend: WasmBackend, run: (make: Make) => T): T {
  const made: TensorInfo[] = [];
  try {
    return run((shape, dtype = 'float32') => {
      const output = backend.makeOutput([...shape], dtype);
      made.push(output);
      return output;
    });
  } catch (error) {
    for (const { dataId } of made) backend.disposeData(dataId);
    throw error;
  }
}
