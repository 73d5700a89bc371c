import { getKernel, type TensorInfo } from '@tensorflow/tfjs-core';
import type { Epilogue } from './batch-product.ts';
import { WasmKernelsError } from './error.ts';
import type { WasmBackend } from './heap.ts';

/** What tfjs fuses with a product or a convolution: tensors and attributes. */
export interface Fused {
  readonly bias?: TensorInfo | null | undefined;
  readonly preluActivationWeights?: TensorInfo | null | undefined;
  readonly activation: string;
  readonly leakyreluAlpha?: number | undefined;
}

/** Activations that are a clamp. */
const CLAMPS: Readonly<Record<string, readonly [number, number]>> = {
  linear: [-Infinity, Infinity],
  relu: [0, Infinity],
  relu6: [0, 6],
};

/** The other activations, each a kernel of the backend that runs on the result. */
const KERNELS: Readonly<Record<string, string>> = {
  elu: 'Elu',
  sigmoid: 'Sigmoid',
  leakyrelu: 'LeakyRelu',
  prelu: 'Prelu',
};

/**
 * Runs `compute` with what can be done in its own pass, and the activation, where it is no clamp, by the backend's kernel on it.
 *
 * @throws {WasmKernelsError} `WASM_KERNELS_BAD_SHAPE`, `WASM_KERNELS_BAD_DTYPE` for a bias that is not [columns], float32.
 */
export function fused(
  operation: string,
  backend: WasmBackend,
  columns: number,
  { bias, activation, preluActivationWeights, leakyreluAlpha }: Fused,
  compute: (epilogue: Epilogue) => TensorInfo,
): TensorInfo {
  requireColumnBias(operation, bias, columns);
  const [low, high] = CLAMPS[activation] ?? CLAMPS['linear']!;
  const sums = compute({ bias: bias ?? undefined, low, high });
  if (activation in CLAMPS) return sums;
  const kernel = getKernel(KERNELS[activation]!, 'wasm');
  try {
    return kernel.kernelFunc({
      inputs: activation === 'prelu' ? { x: sums, alpha: preluActivationWeights! } : { x: sums },
      attrs: { alpha: leakyreluAlpha! },
      backend,
    }) as TensorInfo;
  } finally {
    backend.disposeData(sums.dataId);
  }
}

function requireColumnBias(operation: string, bias: TensorInfo | null | undefined, columns: number): void {
  if (bias == null || (bias.dtype === 'float32' && bias.shape.length === 1 && bias.shape[0] === columns))
    return;
  throw new WasmKernelsError(
    bias.dtype === 'float32' ? 'WASM_KERNELS_BAD_SHAPE' : 'WASM_KERNELS_BAD_DTYPE',
    `${operation}: the bias must be float32 [${columns}], one value per column, got ${bias.dtype} [${bias.shape}]; add any other shape with tf.add.`,
  );
}
