import { byteCount, elementBytes, elementCount } from './dtype.ts';
import { TensorIoError } from './errors.ts';
import { decodeBfloat16, decodeFloat16, encodeBfloat16, encodeFloat16 } from './half.ts';
import type { DType, TensorData } from './state.ts';

/** What `tensorData` takes: numbers, bigints (for I64) or booleans, in C order. */
export type TensorValues = ArrayLike<number | bigint | boolean>;

/** Array types that hold a dtype's elements as they lie in a file. JavaScript engines run on little-endian machines. */
const ARRAYS = {
  F64: Float64Array,
  F32: Float32Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U8: Uint8Array,
} as const;

type Elements =
  | Float64Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

const INTEGER_BITS = { I32: 32, I16: 16, I8: 8, U8: 8, BOOL: 1 } as const;

/**
 * A tensor made of values in C order; the values are copied.
 *
 * Floats are rounded to the nearest representable value, ties to even. Integers must fit exactly; I64 takes bigints
 * or safe integers; BOOL takes booleans, 0 and 1.
 *
 * @throws {TensorIoError} `TIO_SIZE_MISMATCH` when the count of values is not the product of `shape`; `TIO_BAD_VALUE` for a
 * value the dtype cannot hold, among them a finite number that would become infinite; `TIO_BAD_SHAPE`, `TIO_OVERFLOW`.
 */
export function tensorData(dtype: DType, shape: readonly number[], values: TensorValues): TensorData {
  const where = `tensorData(${dtype})`;
  byteCount(dtype, shape, where);
  if (values.length !== elementCount(shape, where)) {
    throw new TensorIoError(
      'TIO_SIZE_MISMATCH',
      `${where}: shape [${shape.join(', ')}] takes ${elementCount(shape, where)} values, got ${values.length}.`,
    );
  }
  return { dtype, shape: [...shape], bytes: encodeValues(dtype, values) };
}

function encodeValues(dtype: DType, values: TensorValues): Uint8Array {
  if (dtype === 'I64') return bytesOf(convert(values, new BigInt64Array(values.length), toInt64));
  const number = (value: number | bigint | boolean, index: number): number => toNumber(dtype, value, index);
  switch (dtype) {
    case 'F16':
      return bytesOf(convert(values, new Uint16Array(values.length), (v, i) => encodeFloat16(number(v, i))));
    case 'BF16':
      return bytesOf(convert(values, new Uint16Array(values.length), (v, i) => encodeBfloat16(number(v, i))));
    case 'BOOL':
      return convert(values, new Uint8Array(values.length), number);
    default: {
      const Elements = ARRAYS[dtype];
      // An array of the dtype's own kind is copied as bytes: fast, and NaNs keep their payload.
      if (values instanceof Elements) return bytesOf(values).slice();
      return bytesOf(convert(values, new Elements(values.length), number));
    }
  }
}

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** Fills `target` element by element; the `from` of typed arrays does so several times slower. */
function convert<From, To, Target extends { [index: number]: To; readonly length: number }>(
  source: ArrayLike<From>,
  target: Target,
  element: (value: From, index: number) => To,
): Target {
  for (let i = 0; i < target.length; i++) target[i] = element(source[i]!, i);
  return target;
}

function toInt64(value: number | bigint | boolean, index: number): bigint {
  const integer = typeof value === 'bigint' ? value : Number.isSafeInteger(value) ? BigInt(value) : undefined;
  if (integer === undefined || BigInt.asIntN(64, integer) !== integer) throw badValue('I64', value, index);
  return integer;
}

function toNumber(dtype: Exclude<DType, 'I64'>, value: number | bigint | boolean, index: number): number {
  if (typeof value === 'bigint' || (typeof value === 'boolean' && dtype !== 'BOOL')) {
    throw badValue(dtype, value, index);
  }
  const number = Number(value);
  const fits =
    dtype === 'F64' || dtype === 'F32' || dtype === 'F16' || dtype === 'BF16'
      ? !Number.isFinite(number) || Math.abs(number) < OVERFLOW[dtype]
      : fitsInteger(dtype, number);
  if (!fits) throw badValue(dtype, value, index);
  return number;
}

/** From here on a finite number rounds to infinity: half a step above the largest finite value. */
const OVERFLOW = {
  F64: Number.POSITIVE_INFINITY,
  F32: (2 - 2 ** -24) * 2 ** 127,
  F16: 65520,
  BF16: (2 - 2 ** -8) * 2 ** 127,
} as const;

function fitsInteger(dtype: keyof typeof INTEGER_BITS, value: number): boolean {
  const unsigned = dtype === 'U8' || dtype === 'BOOL';
  const bits = INTEGER_BITS[dtype];
  const low = unsigned ? 0 : -(2 ** (bits - 1));
  const high = unsigned ? 2 ** bits : 2 ** (bits - 1);
  return Number.isInteger(value) && value >= low && value < high;
}

function badValue(dtype: DType, value: unknown, index: number): TensorIoError {
  return new TensorIoError(
    'TIO_BAD_VALUE',
    `${dtype} cannot hold ${typeof value === 'bigint' ? `${value}n` : value} (element ${index}); choose a wider dtype or scale the values.`,
  );
}

/**
 * The elements as float32, in an array of their own. Every dtype converts; F64 and wide integers are rounded to the
 * nearest float32, booleans become 0 and 1, F32 keeps its bits.
 *
 * @throws {TensorIoError} `TIO_BAD_VALUE` for a finite F64 that would become infinite and an I64 beyond 2^53;
 * `TIO_SIZE_MISMATCH`, `TIO_BAD_SHAPE`, `TIO_OVERFLOW` for a tensor whose bytes and shape disagree.
 */
export function toFloat32(tensor: TensorData): Float32Array<ArrayBuffer> {
  const elements = decodeValues(tensor);
  if (elements instanceof Float32Array) return elements;
  const floats = new Float32Array(elements);
  if (elements instanceof Float64Array) {
    const lost = floats.findIndex((value, i) => !Number.isFinite(value) && Number.isFinite(elements[i]));
    if (lost >= 0) throw badValue('F32', elements[lost], lost);
  }
  return floats;
}

/**
 * The elements as float64, exactly, in an array of their own.
 *
 * @throws {TensorIoError} `TIO_BAD_VALUE` for an I64 beyond 2^53, which float64 cannot hold; `TIO_SIZE_MISMATCH`,
 * `TIO_BAD_SHAPE`, `TIO_OVERFLOW` for a tensor whose bytes and shape disagree.
 */
export function toFloat64(tensor: TensorData): Float64Array<ArrayBuffer> {
  const elements = decodeValues(tensor);
  return elements instanceof Float64Array ? elements : new Float64Array(elements);
}

function decodeValues(tensor: TensorData): Elements {
  checkTensor(tensor, 'tensor');
  // The copy is aligned, which the bytes inside a file need not be.
  const { buffer } = new Uint8Array(tensor.bytes);
  const { length } = tensor.bytes;
  switch (tensor.dtype) {
    case 'F16':
      return convert(new Uint16Array(buffer), new Float32Array(length / 2), decodeFloat16);
    case 'BF16':
      return convert(new Uint16Array(buffer), new Float32Array(length / 2), decodeBfloat16);
    case 'BOOL':
      return new Uint8Array(buffer).map((byte) => (byte === 0 ? 0 : 1));
    case 'I64':
      return convert(new BigInt64Array(buffer), new Float64Array(length / 8), fromInt64);
    default:
      return new ARRAYS[tensor.dtype](buffer);
  }
}

function fromInt64(value: bigint, index: number): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw badValue('F64', value, index);
  return number;
}

/**
 * Refuses a tensor whose bytes are not as many as its dtype and shape say.
 *
 * @throws {TensorIoError} `TIO_SIZE_MISMATCH`, `TIO_BAD_SHAPE`, `TIO_OVERFLOW`.
 */
export function checkTensor({ dtype, shape, bytes }: TensorData, where: string): void {
  const expected = byteCount(dtype, shape, where);
  if (bytes.length !== expected) {
    throw new TensorIoError(
      'TIO_SIZE_MISMATCH',
      `${where}: ${dtype} of shape [${shape.join(', ')}] takes ${expected} bytes (${elementBytes(dtype)} per element), got ${bytes.length}.`,
    );
  }
}
