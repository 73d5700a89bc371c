import type { StateDict, TensorData } from '@proj/tensor-io';
import { deflate, inflate } from './deflate.ts';
import { type Application, deltaOf, touchedNames } from './delta.ts';
import { RwsError } from './error.ts';
import { finiteValues, roundTo } from './floats.ts';

/** Bytes an element and largest finite value of each float dtype. */
const formats = {
  F64: { width: 8, largest: Number.MAX_VALUE },
  F32: { width: 4, largest: (2 - 2 ** -23) * 2 ** 127 },
  BF16: { width: 2, largest: (2 - 2 ** -7) * 2 ** 127 },
  F16: { width: 2, largest: 65504 },
} as const;

/**
 * What is needed to get the base's exact bits back from the patched ones.
 *
 * Subtracting the patch again gives nearly the base: rounding loses a few last bits. Those are kept: the difference,
 * as integers, between the base's bits and those of round(patched − Σ α·x̂), zigzag-coded so that small differences of
 * either sign are small numbers, byte planes apart, deflated.
 */
export async function encodeUndo(base: StateDict, state: StateDict, applied: readonly Application[]) {
  const parts = touchedNames(applied).map((name) =>
    subtractBits(base.get(name)!.bytes, prediction(state.get(name)!, applied, name)),
  );
  return deflate(new Blob(parts));
}

/**
 * The base's touched tensors, from the patched ones and what `encodeUndo` made.
 *
 * @throws {RwsError} `RWS_UNDO_INVALID` when the data does not inflate to exactly the tensors' size.
 */
export async function decodeUndo(
  undo: Uint8Array<ArrayBuffer>,
  state: StateDict,
  applied: readonly Application[],
): Promise<Map<string, TensorData>> {
  const names = touchedNames(applied);
  const size = names.reduce((sum, name) => sum + state.get(name)!.bytes.length, 0);
  const planes = await inflate(undo, size);
  if (planes === undefined) {
    throw new RwsError(
      'RWS_UNDO_INVALID',
      `the undo data does not inflate to ${size} bytes; the file is damaged.`,
    );
  }
  const base = new Map<string, TensorData>();
  let offset = 0;
  for (const name of names) {
    const patched = state.get(name)!;
    const difference = planes.subarray(offset, offset + patched.bytes.length);
    offset += patched.bytes.length;
    base.set(name, { ...patched, bytes: addBits(difference, prediction(patched, applied, name)) });
  }
  return base;
}

interface Bits {
  readonly bytes: Uint8Array;
  /** Bytes an element. */
  readonly width: number;
}

/** round(patched − Σ α·x̂), kept finite. */
function prediction(patched: TensorData, applied: readonly Application[], name: string): Bits {
  const { dtype, shape } = patched;
  const { width, largest } = formats[dtype as keyof typeof formats];
  const values = new Float64Array(finiteValues(patched, `"${name}"`));
  const delta = deltaOf(applied, name);
  if (delta === undefined) return { bytes: patched.bytes, width };
  for (let i = 0; i < values.length; i++) {
    values[i] = Math.min(Math.max(values[i]! - delta[i]!, -largest), largest);
  }
  return { bytes: roundTo(dtype, shape, values, `"${name}", unpatched`).bytes, width };
}

/** Zigzag-coded a − b of little-endian integers of `width` bytes, modulo 2^(8·width), in byte planes, lowest first. */
function subtractBits(a: Uint8Array, { bytes: b, width }: Bits): Uint8Array<ArrayBuffer> {
  const count = a.length / width;
  const planes = new Uint8Array(a.length);
  const difference = new Uint8Array(width);
  for (let i = 0; i < count; i++) {
    let borrow = 0;
    for (let j = 0; j < width; j++) {
      const byte = a[i * width + j]! - b[i * width + j]! - borrow;
      borrow = byte < 0 ? 1 : 0;
      difference[j] = byte;
    }
    const sign = difference[width - 1]! >>> 7 === 1 ? 255 : 0;
    let carry = 0;
    for (let j = 0; j < width; j++) {
      planes[j * count + i] = ((difference[j]! << 1) | carry) ^ sign;
      carry = difference[j]! >>> 7;
    }
  }
  return planes;
}

/** The inverse: b plus the difference. */
function addBits(planes: Uint8Array, { bytes: b, width }: Bits): Uint8Array {
  const count = planes.length / width;
  const sum = new Uint8Array(planes.length);
  for (let i = 0; i < count; i++) {
    const sign = planes[i]! & 1 ? 255 : 0;
    let carry = 0;
    for (let j = 0; j < width; j++) {
      const above = j + 1 < width ? planes[(j + 1) * count + i]! : 0;
      const byte =
        b[i * width + j]! + (((planes[j * count + i]! >>> 1) | ((above << 7) & 255)) ^ sign) + carry;
      carry = byte >>> 8;
      sum[i * width + j] = byte;
    }
  }
  return sum;
}
