import { engine, getBackend, getKernel, type NamedTensorMap, type Tensor } from '@tensorflow/tfjs-core';

/**
 * Runs the kernel `proj.<name>` where one is registered for the current backend, as `@proj/wasm-kernels/install` does for wasm;
 * undefined where none is, and the operation is then composed from tfjs's.
 */
export function fast(
  name: string,
  inputs: NamedTensorMap,
  attrs: Readonly<Record<string, number | readonly number[]>> = {},
): Tensor[] | undefined {
  if (!isFast(name)) return undefined;
  const outputs = engine().runKernel(`proj.${name}`, inputs, attrs) as Tensor | Tensor[];
  return Array.isArray(outputs) ? outputs : [outputs];
}

/** Whether the kernel `proj.<name>` is registered for the current backend. */
export function isFast(name: string): boolean {
  return getKernel(`proj.${name}`, getBackend()) != null;
}
