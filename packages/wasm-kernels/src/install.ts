/**
 * Replaces the slow matrix products of tfjs's wasm backend by ours: `import '@proj/wasm-kernels/install'`, before or after
 * `tf.setBackend('wasm')`.
 */
import '@tensorflow/tfjs-backend-wasm';
import {
  engine,
  getBackend,
  getKernel,
  type KernelConfig,
  registerKernel,
  unregisterKernel,
} from '@tensorflow/tfjs-core';
import { attentionPackedGradientKernel, attentionPackedKernel } from './attention.ts';
import { batchMatMulKernel } from './batch-mat-mul.ts';
import { fusedMatMulKernel } from './fused-mat-mul.ts';
import { geluGradientKernel, geluKernel } from './gelu.ts';
import { globalNormKernel } from './global-norm.ts';
import { heapOf, type WasmBackend } from './heap.ts';
import { identityKernel } from './identity.ts';
import { layerNormGradientKernel, layerNormKernel } from './layer-norm.ts';
import { columnSumsKernel, linearKernel } from './linear.ts';
import { maxPoolGradKernel } from './max-pool-grad.ts';
import { adamwKernel, sgdKernel } from './optimizers.ts';

/** In place of tfjs's own. */
const replacements: readonly KernelConfig[] = [
  batchMatMulKernel,
  fusedMatMulKernel,
  identityKernel,
  maxPoolGradKernel,
];

/** Used by `@proj/ops` where they are registered. */
const additions: readonly KernelConfig[] = [
  linearKernel,
  columnSumsKernel,
  layerNormKernel,
  layerNormGradientKernel,
  geluKernel,
  geluGradientKernel,
  attentionPackedKernel,
  attentionPackedGradientKernel,
  adamwKernel,
  sgdKernel,
  globalNormKernel,
];

/** Which of our kernels tfjs would run on the wasm backend now. */
export interface KernelReport {
  /** `reproducible`: all of ours, plain SIMD128; `stock`: none of ours; `mixed`: some of ours have been taken away or replaced. */
  readonly flavour: 'reproducible' | 'mixed' | 'stock';
  /** tfjs's current backend; the kernels serve it where this is `wasm`. */
  readonly backend: string;
  /** tfjs's names of the kernels that are ours. */
  readonly kernels: readonly string[];
}

const ours: readonly KernelConfig[] = [...replacements, ...additions];

/**
 * Registers our kernels for the wasm backend in place of the stock ones, and has its allocations checked; done by importing this
 * module, harmless if repeated.
 *
 * @throws {WasmKernelsError} `WASM_KERNELS_NO_MEMORY` where the backend has started and is not tfjs-backend-wasm 4.22.
 */
export function install(): void {
  for (const kernel of ours) {
    const { kernelName, backendName } = kernel;
    if (getKernel(kernelName, backendName) === kernel) continue;
    if (getKernel(kernelName, backendName) != null) unregisterKernel(kernelName, backendName);
    registerKernel(kernel);
  }
  // A backend that starts later is taken hold of by our kernels' setup; tfjs runs that only when a backend is set.
  const started = engine().registry['wasm'];
  if (started !== undefined) heapOf(started as unknown as WasmBackend);
}

/** Says which flavour and which kernels are in force, e.g. for a `doctor` command. */
export function kernelReport(): KernelReport {
  const kernels = ours
    .filter((kernel) => getKernel(kernel.kernelName, 'wasm') === kernel)
    .map((kernel) => kernel.kernelName);
  const flavour = kernels.length === ours.length ? 'reproducible' : kernels.length === 0 ? 'stock' : 'mixed';
  return { flavour, backend: getBackend(), kernels };
}

install();
