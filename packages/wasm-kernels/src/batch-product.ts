import { broadcast_util, type TensorInfo } from '@tensorflow/tfjs-core';
import { WasmKernelsError } from './error.ts';
import { heapOf, type WasmBackend } from './heap.ts';
import { ACTIVATION } from './kernels.ts';
import { withOutputs } from './outputs.ts';

/** What else the product's pass does, in this order. */
export interface Epilogue {
  /** Of the result's shape: where the sums start. */
  readonly from?: TensorInfo | undefined;
  /** One value per column. */
  readonly bias?: TensorInfo | undefined;
  /** Bounds that the result is clamped to. */
  readonly low?: number;
  readonly high?: number;
  /** One of `ACTIVATION`, and the tensor of the result's shape beside it. */
  readonly activation?: number;
  readonly other?: TensorInfo | undefined;
}

/**
 * The matrix products of the last two axes of `a` and `b` [..., rows, columns], batch axes broadcast as in NumPy, float32.
 *
 * @throws {WasmKernelsError} `WASM_KERNELS_BAD_DTYPE`, `WASM_KERNELS_BAD_SHAPE`, `WASM_KERNELS_OUT_OF_MEMORY`.
 */
export function batchProduct(
  backend: WasmBackend,
  a: TensorInfo,
  b: TensorInfo,
  transposeA: boolean,
  transposeB: boolean,
  { from, bias, low = -Infinity, high = Infinity, activation = ACTIVATION.none, other }: Epilogue = {},
): TensorInfo {
  const left = operand(a, transposeA);
  const right = operand(b, transposeB);
  if (left.columns !== right.rows) {
    throw new WasmKernelsError(
      'WASM_KERNELS_BAD_SHAPE',
      `matMul: inner sizes must be equal, got [${a.shape}] and [${b.shape}] with transposeA = ${transposeA}, transposeB = ${transposeB}.`,
    );
  }
  const batch = broadcast_util.assertAndGetBroadcastShape(left.batch, right.batch);
  const [n, k] = [right.columns, right.rows];
  // One right operand for all: the rows of a contiguous batch are the rows of one taller matrix.
  const tall = !transposeA && right.batch.every((size) => size === 1);
  const m = tall ? left.rows * count(batch) : left.rows;
  const shiftsA = tall ? [0] : shifts(left.batch, batch, m * k);
  const shiftsB = tall ? [0] : shifts(right.batch, batch, k * n);

  const { kernels, offset, withScratch } = heapOf(backend);
  return withOutputs(backend, (make) => {
    const out = make([...batch, left.rows, n]);
    withScratch(kernels.productScratch(m, n, k), (scratch) => {
      const offsetA = offset(a);
      const offsetB = offset(b);
      const offsetC = offset(out);
      const [offsetFrom, offsetBias, offsetOther] = [from, bias, other].map((tensor) =>
        tensor === undefined ? 0 : offset(tensor),
      ) as [number, number, number];
      for (let i = 0; i < shiftsA.length; i++) {
        kernels.product(
          m,
          n,
          k,
          offsetA + 4 * shiftsA[i]!,
          left.rowStep,
          left.columnStep,
          offsetB + 4 * shiftsB[i]!,
          right.rowStep,
          right.columnStep,
          offsetC + 4 * i * m * n,
          4 * n,
          offsetFrom && offsetFrom + 4 * i * m * n,
          offsetBias,
          low,
          high,
          activation,
          offsetOther && offsetOther + 4 * i * m * n,
          scratch,
        );
      }
    });
    return out;
  });
}

/** A tensor read as a batch of matrices, transposed by exchanging its steps (in bytes). */
function operand(tensor: TensorInfo, transpose: boolean) {
  const { shape, dtype } = tensor;
  if (dtype !== 'float32' || shape.length < 2) {
    throw new WasmKernelsError(
      dtype === 'float32' ? 'WASM_KERNELS_BAD_SHAPE' : 'WASM_KERNELS_BAD_DTYPE',
      `matMul: operands must be float32 of rank 2 or more, got ${dtype} [${shape}].`,
    );
  }
  const [height, width] = shape.slice(-2) as [number, number];
  const batch = shape.slice(0, -2);
  return transpose
    ? { batch, rows: width, columns: height, rowStep: 4, columnStep: 4 * width }
    : { batch, rows: height, columns: width, rowStep: 4 * width, columnStep: 4 };
}

const count = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** Where each matrix of the broadcast batch starts in an operand of batch shape `own`, in elements. */
export function shifts(own: readonly number[], batch: readonly number[], matrix: number): number[] {
  let starts = [0];
  let step = matrix * count(own);
  const missing = batch.length - own.length;
  batch.forEach((size, axis) => {
    const ownSize = axis < missing ? 1 : own[axis - missing]!;
    step /= ownSize || 1;
    const stride = ownSize === 1 ? 0 : step;
    starts = starts.flatMap((start) => Array.from({ length: size }, (_, i) => start + i * stride));
  });
  return starts;
}
