import { backend, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { CHECKED, inputValues } from '../tasks.ts';

/** The benchmark's input as a tensor, `scale` times values in [-1, 1). */
export function filled(shape: readonly number[], seed: number, scale = 1): Tensor {
  const size = shape.reduce((product, axis) => product * axis, 1);
  return tensor(inputValues(size, seed, scale), [...shape]);
}

/** The beginning of a result, which is disposed. */
export async function beginning(result: Tensor): Promise<number[]> {
  const values = [...(await result.data()).slice(0, CHECKED)];
  result.dispose();
  return values;
}

/** Bytes of tfjs-wasm's memory; null on another backend. */
export function tfjsHeapBytes(): number | null {
  const { wasm } = backend() as unknown as {
    wasm?: { asm?: { memory?: unknown }; wasmMemory?: unknown };
  };
  const memory = wasm?.wasmMemory ?? wasm?.asm?.memory;
  return memory instanceof WebAssembly.Memory ? memory.buffer.byteLength : null;
}
