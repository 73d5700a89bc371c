import { TensorIoError } from './errors.ts';
import type { DType } from './state.ts';

/** Bytes per element, in the order in which safetensors' reference writer lays dtypes out: widest first. */
const ELEMENT_BYTES: Readonly<Record<DType, number>> = {
  I64: 8,
  F64: 8,
  F32: 4,
  I32: 4,
  BF16: 2,
  F16: 2,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

/** All dtypes, in the order of the reference writer. */
export const DTYPES = Object.keys(ELEMENT_BYTES) as readonly DType[];

const known: ReadonlySet<string> = new Set(DTYPES);

/** Most axes of a tensor that is read from a safetensors or PyTorch file; NumPy has at most as many. */
export const MAX_RANK = 64;

export function isDType(name: unknown): name is DType {
  return typeof name === 'string' && known.has(name);
}

export function elementBytes(dtype: DType): number {
  return ELEMENT_BYTES[dtype];
}

/**
 * Number of elements of a shape; 1 for a scalar, whose shape is `[]`.
 *
 * @throws {TensorIoError} `TIO_BAD_SHAPE` for a dimension that is no integer of at least 0, `TIO_OVERFLOW` for a product beyond 2^53 - 1.
 */
export function elementCount(shape: readonly number[], where: string): number {
  let count = 1;
  for (const size of shape) {
    if (!Number.isInteger(size) || size < 0 || Object.is(size, -0)) {
      throw new TensorIoError(
        'TIO_BAD_SHAPE',
        `${where}: every dimension must be an integer of at least 0, got [${shape.join(', ')}].`,
      );
    }
    count *= size;
    if (!Number.isSafeInteger(count)) {
      throw new TensorIoError(
        'TIO_OVERFLOW',
        `${where}: the product of shape [${shape.join(', ')}] exceeds 2^53 - 1.`,
      );
    }
  }
  return count;
}

/**
 * Bytes that a tensor of this dtype and shape occupies.
 *
 * @throws {TensorIoError} `TIO_BAD_SHAPE`, `TIO_OVERFLOW`.
 */
export function byteCount(dtype: DType, shape: readonly number[], where: string): number {
  const bytes = elementCount(shape, where) * elementBytes(dtype);
  if (!Number.isSafeInteger(bytes)) {
    throw new TensorIoError(
      'TIO_OVERFLOW',
      `${where}: ${dtype} of shape [${shape.join(', ')}] exceeds 2^53 - 1 bytes.`,
    );
  }
  return bytes;
}
