/**
 * Replaces the slow matrix products of tfjs's wasm backend by ours: `import '@proj/wasm-kernels/install'`, before or after
 * `tf.setBackend('wasm')`.
 */
import '@tensorflow/tfjs-backend-wasm';
import {
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
import { identityKernel } from './identity.ts';
import { layerNormGradientKernel, layerNormKernel } from './layer-norm.ts';
import { columnSumsKernel, linearKernel } from './linear.ts';

/** In place of tfjs's own. */
const replacements: readonly KernelConfig[] = [batchMatMulKernel, fusedMatMulKernel, identityKernel];

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
];

/** Which of our kernels tfjs would run on the wasm backend now. */
export interface KernelReport {
  /** `reproducible`: plain SIMD128; `stock`: none of ours is registered. */
  readonly flavour: 'reproducible' | 'stock';
  /** tfjs's current backend; the kernels serve it where this is `wasm`. */
  readonly backend: string;
  /** tfjs's names of the kernels that are ours. */
  readonly kernels: readonly string[];
}

/** Registers our kernels for the wasm backend in place of the stock ones; done by importing this module, harmless if repeated. */
export function install(): void {
  for (const kernel of [...replacements, ...additions]) {
    const { kernelName, backendName } = kernel;
    if (getKernel(kernelName, backendName) === kernel) continue;
    if (getKernel(kernelName, backendName) != null) unregisterKernel(kernelName, backendName);
    registerKernel(kernel);
  }
}

/** Says which flavour and which kernels are in force, e.g. for a `doctor` command. */
export function kernelReport(): KernelReport {
  const kernels = [...replacements, ...additions]
    .filter((kernel) => getKernel(kernel.kernelName, 'wasm') === kernel)
    .map((kernel) => kernel.kernelName);
  return { flavour: kernels.length > 0 ? 'reproducible' : 'stock', backend: getBackend(), kernels };
}

install();
