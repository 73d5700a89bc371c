import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { batchProduct } from './batch-product.ts';
import { heapOf, type WasmBackend } from './heap.ts';
import { ACTIVATION } from './kernels.ts';
import { withOutputs } from './outputs.ts';
import { ownKernel } from './own-kernel.ts';

/**
 * x [..., in], weight [out, in], bias [out], from [..., out] -> from + x weightᵀ + bias [..., out] in one pass, without the last
 * two where they are not given; with gelu = 1 its GELU, and with keep = 1 also the GELU's slopes.
 */
export const linearKernel: KernelConfig = {
  kernelName: 'proj.Linear',
  backendName: 'wasm',
  setupFunc: (backend) => void heapOf(backend as WasmBackend),
  kernelFunc({ inputs, attrs, backend: given }) {
    const backend = given as WasmBackend;
    const { x, weight, bias, from } = inputs as Record<'x' | 'weight', TensorInfo> & {
      bias?: TensorInfo;
      from?: TensorInfo;
    };
    if (attrs?.['gelu'] !== 1) return batchProduct(backend, x, weight, false, true, { bias, from });
    return withOutputs(backend, (make) => {
      const kept = attrs['keep'] === 1 ? make([...x.shape.slice(0, -1), weight.shape[0]!]) : undefined;
      const y = batchProduct(backend, x, weight, false, true, {
        bias,
        from,
        activation: ACTIVATION.gelu,
        other: kept,
      });
      return kept === undefined ? y : [y, kept];
    });
  },
};

/** x [rows, C] -> the sums of its columns [C], as a bias's gradient needs them. */
export const columnSumsKernel = ownKernel<'x'>('ColumnSums', ({ x }, { heap: { kernels, offset }, make }) => {
  const [rows, width] = x.shape as [number, number];
  const y = make([width]);
  kernels.columnSums(rows, width, offset(x), offset(y), 0);
  return y;
});
