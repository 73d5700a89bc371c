import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { WasmBackend } from './heap.ts';

/** Allocates a float32 result. */
export type Make = (shape: readonly number[]) => TensorInfo;

/** Runs a kernel that allocates its results with `make`; where it fails, those that it has made are given back. */
export function withOutputs<T>(backend: WasmBackend, run: (make: Make) => T): T {
  const made: TensorInfo[] = [];
  try {
    return run((shape) => {
      const output = backend.makeOutput([...shape], 'float32');
      made.push(output);
      return output;
    });
  } catch (error) {
    for (const { dataId } of made) backend.disposeData(dataId);
    throw error;
  }
}
