/**
 * Replaces the slow and the wrong kernels of tfjs's wasm backend by ours: `import '@proj/wasm-kernels/install'`, before or after
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
import { attentionGradientKernel, attentionKernel } from './attention.ts';
import { attentionBlockGradientKernel, attentionBlockKernel } from './attention-block.ts';
import { attentionPackedGradientKernel, attentionPackedKernel } from './attention-packed.ts';
import { batchMatMulKernel } from './batch-mat-mul.ts';
import { batchNormGradientKernel, batchNormKernel, channelStatisticsKernel } from './batch-norm.ts';
import { cgaMaskKernel } from './cga-mask.ts';
import {
  conv2dBackpropFilterKernel,
  conv2dBackpropInputKernel,
  conv2dKernel,
  fusedConv2dKernel,
} from './conv2d.ts';
import { crossEntropyKernel } from './cross-entropy.ts';
import { cumprodKernel, cumsumKernel } from './cumulative.ts';
import {
  depthwiseBackpropFilterKernel,
  depthwiseBackpropInputKernel,
  depthwiseKernel,
  fusedDepthwiseKernel,
} from './depthwise.ts';
import { einsumKernel } from './einsum.ts';
import { availableFlavour, type FlavourChoice } from './flavour.ts';
import { fusedMatMulKernel } from './fused-mat-mul.ts';
import { gatherKernel } from './gather.ts';
import { geluGradientKernel, geluKernel, geluTanhGradientKernel, geluTanhKernel } from './gelu.ts';
import { globalNormKernel } from './global-norm.ts';
import { flavourInForce, heapOf, useFlavour, type WasmBackend } from './heap.ts';
import { identityKernel } from './identity.ts';
import { layerNormGradientKernel, layerNormKernel } from './layer-norm.ts';
import { columnSumsKernel, linearKernel } from './linear.ts';
import { lsqGradientKernel, lsqKernel } from './lsq.ts';
import { maxPoolGradKernel } from './max-pool-grad.ts';
import { mlpBlockGradientKernel, mlpBlockKernel } from './mlp-block.ts';
import type { Flavour } from './module.ts';
import { adamwKernel, sgdKernel } from './optimizers.ts';
import { quantizedAttentionGradientKernel, quantizedAttentionKernel } from './quantized-attention.ts';
import {
  quantizedAttentionBlockGradientKernel,
  quantizedAttentionBlockKernel,
} from './quantized-attention-block.ts';
import { quantizedMlpGradientKernel, quantizedMlpKernel } from './quantized-mlp.ts';
import { unsortedSegmentSumKernel } from './segment-sum.ts';
import { softmaxGradientKernel, softmaxKernel } from './softmax.ts';
import { statsqKernel } from './statsq.ts';
import { transposeKernel } from './transpose.ts';

/** In place of tfjs's own, and where its wasm backend has none. */
const replacements: readonly KernelConfig[] = [
  batchMatMulKernel,
  fusedMatMulKernel,
  identityKernel,
  maxPoolGradKernel,
  cumsumKernel,
  cumprodKernel,
  conv2dKernel,
  fusedConv2dKernel,
  conv2dBackpropInputKernel,
  conv2dBackpropFilterKernel,
  depthwiseKernel,
  fusedDepthwiseKernel,
  depthwiseBackpropInputKernel,
  depthwiseBackpropFilterKernel,
  gatherKernel,
  unsortedSegmentSumKernel,
  transposeKernel,
  einsumKernel,
];

/** Used by `@proj/ops` (the mask by `@proj/cga`) where they are registered. */
const additions: readonly KernelConfig[] = [
  linearKernel,
  mlpBlockKernel,
  mlpBlockGradientKernel,
  attentionBlockKernel,
  attentionBlockGradientKernel,
  columnSumsKernel,
  layerNormKernel,
  layerNormGradientKernel,
  geluKernel,
  geluGradientKernel,
  geluTanhKernel,
  geluTanhGradientKernel,
  softmaxKernel,
  softmaxGradientKernel,
  attentionKernel,
  attentionGradientKernel,
  attentionPackedKernel,
  attentionPackedGradientKernel,
  batchNormKernel,
  batchNormGradientKernel,
  channelStatisticsKernel,
  crossEntropyKernel,
  lsqKernel,
  lsqGradientKernel,
  statsqKernel,
  cgaMaskKernel,
  quantizedAttentionKernel,
  quantizedAttentionGradientKernel,
  quantizedAttentionBlockKernel,
  quantizedAttentionBlockGradientKernel,
  quantizedMlpKernel,
  quantizedMlpGradientKernel,
  adamwKernel,
  sgdKernel,
  globalNormKernel,
];

export type { Flavour, FlavourChoice };

/** Which of our kernels tfjs would run on the wasm backend now. */
export interface KernelReport {
  /** How products compute where all kernels are ours; `stock`: none is; `mixed`: some have been taken away or replaced. */
  readonly flavour: Flavour | 'mixed' | 'stock';
  /** tfjs's current backend; the kernels serve it where this is `wasm`. */
  readonly backend: string;
  /** tfjs's names of the kernels that are ours. */
  readonly kernels: readonly string[];
}

const ours: readonly KernelConfig[] = [...replacements, ...additions];

export interface InstallOptions {
  /**
   * `auto`: `relaxed` where the engine has relaxed SIMD, else `reproducible`. `wide` tries V8's revectorizer for a quarter of a
   * second. What cannot be had is replaced by the next best, `wide` by `relaxed` and that by `reproducible`; `kernelReport` says
   * what is in force. Default: what was chosen before, and `auto` at first.
   */
  readonly flavour?: FlavourChoice;
}

let chosen = false;

/**
 * Registers our kernels for the wasm backend in place of the stock ones, and has its allocations checked; done by importing this
 * module, harmless if repeated.
 *
 * @throws {WasmKernelsError} `WASM_KERNELS_NO_MEMORY` where the backend has started and is not tfjs-backend-wasm 4.22.
 */
export function install({ flavour }: InstallOptions = {}): void {
  if (flavour !== undefined || !chosen) useFlavour(availableFlavour(flavour ?? 'auto'));
  chosen = true;
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
  const flavour =
    kernels.length === ours.length ? flavourInForce() : kernels.length === 0 ? 'stock' : 'mixed';
  return { flavour, backend: getBackend(), kernels };
}

install();
