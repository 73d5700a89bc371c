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
  const kernel = `proj.${name}`;
  if (getKernel(kernel, getBackend()) == null) return undefined;
  const outputs = engine().runKernel(kernel, inputs, attrs) as Tensor | Tensor[];
  return Array.isArray(outputs) ? outputs : [outputs];
}
