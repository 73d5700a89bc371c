import {
  _FusedMatMul,
  type _FusedMatMulAttrs,
  type _FusedMatMulInputs,
  getKernel,
  type KernelConfig,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { batchProduct } from './batch-product.ts';
import { WasmKernelsError } from './error.ts';
import { heapOf, type WasmBackend } from './heap.ts';

const UNBOUNDED: readonly [number, number] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];

/** Activations that are a clamp, done in the product's own pass. */
const CLAMPS: Readonly<Record<string, readonly [number, number]>> = {
  linear: UNBOUNDED,
  relu: [0, Number.POSITIVE_INFINITY],
  relu6: [0, 6],
};

/** The other activations that tfjs fuses, each a kernel of the backend that runs on the product. */
const KERNELS: Readonly<Record<string, string>> = {
  elu: 'Elu',
  sigmoid: 'Sigmoid',
  leakyrelu: 'LeakyRelu',
  prelu: 'Prelu',
};

/** tfjs's `_FusedMatMul` for the wasm backend: product, bias of one value per column, activation. */
export const fusedMatMulKernel: KernelConfig = {
  kernelName: _FusedMatMul,
  backendName: 'wasm',
  setupFunc: (backend) => void heapOf(backend as WasmBackend),
  kernelFunc({ inputs, attrs, backend: given }) {
    const backend = given as WasmBackend;
    const { a, b, bias, preluActivationWeights } = inputs as _FusedMatMulInputs;
    const { transposeA, transposeB, activation, leakyreluAlpha } = attrs as unknown as _FusedMatMulAttrs;
    requireColumnBias(bias, b.shape.at(transposeB ? -2 : -1)!);
    const [low, high] = CLAMPS[activation] ?? UNBOUNDED;
    const product = batchProduct(backend, a, b, transposeA, transposeB, { bias, low, high });
    if (activation in CLAMPS) return product;

    const kernel = getKernel(KERNELS[activation]!, 'wasm');
    try {
      return kernel.kernelFunc({
        inputs: activation === 'prelu' ? { x: product, alpha: preluActivationWeights! } : { x: product },
        attrs: { alpha: leakyreluAlpha! },
        backend: given,
      });
    } finally {
      backend.disposeData(product.dataId);
    }
  },
};

function requireColumnBias(bias: TensorInfo | undefined, columns: number): void {
  if (bias == null || (bias.dtype === 'float32' && bias.shape.length === 1 && bias.shape[0] === columns))
    return;
  throw new WasmKernelsError(
    bias.dtype === 'float32' ? 'WASM_KERNELS_BAD_SHAPE' : 'WASM_KERNELS_BAD_DTYPE',
    `fused matMul: the bias must be float32 [${columns}], one value per column, got ${bias.dtype} [${bias.shape}]; add any other shape with tf.add.`,
  );
}
