import { byteCount, elementBytes } from './dtype.ts';
import { TensorIoError } from './errors.ts';
import { parseNpyHeader } from './npy-header.ts';
import type { DType, TensorData } from './state.ts';
import { inCOrder } from './strided.ts';
import { checkTensor } from './tensor.ts';

/** Longest npy header accepted, in bytes: what version 1.0 can hold. NumPy itself warns above 10,000 (CWE-770). */
const MAX_NPY_HEADER_BYTES = 65_535;

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** NumPy's kind and item size for each dtype it has; it has no bfloat16. */
const KINDS: ReadonlyMap<DType, string> = new Map([
  ['F64', 'f8'],
  ['F32', 'f4'],
  ['F16', 'f2'],
  ['I64', 'i8'],
  ['I32', 'i4'],
  ['I16', 'i2'],
  ['I8', 'i1'],
  ['U8', 'u1'],
  ['BOOL', 'b1'],
]);

const DTYPES: ReadonlyMap<string, DType> = new Map([...KINDS].map(([dtype, kind]) => [kind, dtype]));

/**
 * Reads one `.npy` array (format 1.0, 2.0 or 3.0). Fortran order and big-endian numbers are brought into C order and
 * little-endian; otherwise the tensor is a view of `bytes`. Object arrays are refused: they are pickles.
 *
 * @throws {TensorIoError} `TIO_BAD_NPY`, `TIO_OBJECT_ARRAY`, `TIO_UNKNOWN_DTYPE`, `TIO_OVERFLOW`, `TIO_HEADER_TOO_LARGE`,
 * `TIO_DUPLICATE_NAME`, `TIO_TRUNCATED`, `TIO_TRAILING_BYTES`.
 */
export function parseNpy(bytes: Uint8Array, source = 'npy'): TensorData {
  const start = dataStart(bytes, source);
  const text = new TextDecoder('latin1').decode(bytes.subarray(bytes[6] === 1 ? 10 : 12, start));
  const { descr, fortranOrder, shape } = parseNpyHeader(text, source);
  const { dtype, bigEndian } = readDescr(descr, source);
  const length = byteCount(dtype, shape, source);
  const data = bytes.subarray(start);
  if (data.length < length) {
    throw new TensorIoError(
      'TIO_TRUNCATED',
      `${source}: ${length} bytes of data expected, ${data.length} found.`,
    );
  }
  if (data.length > length) {
    throw new TensorIoError(
      'TIO_TRAILING_BYTES',
      `${source}: ${data.length - length} bytes follow the array.`,
    );
  }
  const width = elementBytes(dtype);
  const ordered = fortranOrder
    ? inCOrder(data, { width, offset: 0, shape, strides: fortranStrides(shape) })
    : data;
  return { dtype, shape, bytes: bigEndian ? swapped(ordered, width) : ordered };
}

function dataStart(bytes: Uint8Array, where: string): number {
  if (bytes.length < 10 || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new TensorIoError('TIO_BAD_NPY', `${where}: no npy file; it starts with \\x93NUMPY.`);
  }
  const version = bytes[6]!;
  if (version < 1 || version > 3 || bytes[7] !== 0) {
    throw new TensorIoError('TIO_BAD_NPY', `${where}: npy format ${version}.${bytes[7]} is unknown.`);
  }
  const lengthBytes = version === 1 ? 2 : 4;
  let length = 0;
  for (let i = lengthBytes - 1; i >= 0; i--) length = length * 256 + (bytes[8 + i] ?? 0);
  if (length > MAX_NPY_HEADER_BYTES) {
    throw new TensorIoError(
      'TIO_HEADER_TOO_LARGE',
      `${where}: header of ${length} bytes, at most ${MAX_NPY_HEADER_BYTES} are accepted.`,
    );
  }
  const start = 8 + lengthBytes + length;
  if (start > bytes.length) {
    throw new TensorIoError(
      'TIO_TRUNCATED',
      `${where}: header of ${length} bytes in a file of ${bytes.length}.`,
    );
  }
  return start;
}

function readDescr(descr: string, where: string): { dtype: DType; bigEndian: boolean } {
  const dtype = DTYPES.get(descr.slice(1));
  if (descr.slice(1).startsWith('O')) {
    throw new TensorIoError('TIO_OBJECT_ARRAY', `${where}: object arrays are pickles and never read.`);
  }
  const order = descr[0];
  if (
    dtype === undefined ||
    !(order === '<' || order === '>' || (order === '|' && elementBytes(dtype) === 1))
  ) {
    throw new TensorIoError(
      'TIO_UNKNOWN_DTYPE',
      `${where}: NumPy dtype ${JSON.stringify(descr)} is not among ${[...DTYPES.keys()].join(', ')}.`,
    );
  }
  return { dtype, bigEndian: order === '>' };
}

function fortranStrides(shape: readonly number[]): number[] {
  let stride = 1;
  return shape.map((size) => {
    const own = stride;
    stride *= size;
    return own;
  });
}

function swapped(bytes: Uint8Array, width: number): Uint8Array {
  return bytes.map((_, i) => bytes[i - (i % width) + width - 1 - (i % width)]!);
}

/**
 * One array as an `.npy` file (format 1.0, C order, little-endian, data aligned to 64 bytes).
 *
 * @throws {TensorIoError} `TIO_UNKNOWN_DTYPE` for BF16, which NumPy lacks; `TIO_SIZE_MISMATCH`, `TIO_BAD_SHAPE`, `TIO_OVERFLOW`;
 * `TIO_HEADER_TOO_LARGE` for a shape of thousands of axes.
 */
export function serializeNpy(tensor: TensorData): Uint8Array<ArrayBuffer> {
  checkTensor(tensor, 'npy');
  const { dtype, shape, bytes } = tensor;
  const kind = KINDS.get(dtype);
  if (kind === undefined) {
    throw new TensorIoError('TIO_UNKNOWN_DTYPE', `npy: NumPy has no ${dtype}; convert the tensor to F32.`);
  }
  const descr = `${elementBytes(dtype) === 1 ? '|' : '<'}${kind}`;
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const fields = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const start = Math.ceil((10 + fields.length + 1) / 64) * 64;
  if (start - 10 > MAX_NPY_HEADER_BYTES) {
    throw new TensorIoError(
      'TIO_HEADER_TOO_LARGE',
      `npy: a shape of ${shape.length} axes does not fit the header.`,
    );
  }
  const file = new Uint8Array(start + bytes.length).fill(0x20, 0, start);
  file.set([...MAGIC, 1, 0, (start - 10) & 0xff, (start - 10) >>> 8]);
  file.set(new TextEncoder().encode(fields), 10);
  file[start - 1] = 0x0a;
  file.set(bytes, start);
  return file;
}
