import type { StateDict, TensorData } from '@proj/tensor-io';
import { float32View } from './apply.ts';
import { BitReader, BitWriter } from './bit-stream.ts';
import type { Change, Composition } from './composition.ts';
import { RwsError } from './error.ts';
import { finiteValues, roundTo } from './floats.ts';
import { readSparse, writeSparse } from './sparse-code.ts';

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
 * Taking the change off again gives nearly the base: rounding loses a few last bits of a few values. Those are kept: the difference, as
 * integers, between the base's bits and those of round(patched − δ), most of which are 0 (FORMAT.md).
 */
export function encodeUndo(
  base: StateDict,
  state: StateDict,
  composition: Composition,
): Uint8Array<ArrayBuffer> {
  const writer = new BitWriter();
  const scratch = new Scratch();
  for (const name of composition.touched) {
    const patched = state.get(name)!;
    const predicted = prediction(patched, composition.change(name), name, scratch);
    for (const words of subtractBits(base.get(name)!.bytes, predicted, widthOf(patched), scratch)) {
      writeSparse(writer, words);
    }
  }
  return writer.finish();
}

/**
 * The base's touched tensors, from the patched ones and what `encodeUndo` made.
 *
 * @throws {RwsError} `RWS_UNDO_INVALID` when the data is not exactly that of these tensors.
 */
export function decodeUndo(
  undo: Uint8Array,
  state: StateDict,
  composition: Composition,
): Map<string, TensorData> {
  const reader = new BitReader(undo);
  const scratch = new Scratch();
  const base = new Map<string, TensorData>();
  for (const name of composition.touched) {
    const patched = state.get(name)!;
    const width = widthOf(patched);
    const count = patched.bytes.length / width;
    const differences =
      width === 8 ? [new Uint32Array(count), new Uint32Array(count)] : [scratch.words(count).fill(0)];
    if (!differences.every((words) => readSparse(reader, words))) throw damaged();
    const predicted = prediction(patched, composition.change(name), name, scratch);
    base.set(name, { ...patched, bytes: addBits(predicted, differences, width) });
  }
  if (!reader.finished) throw damaged();
  return base;
}

function damaged(): RwsError {
  return new RwsError(
    'RWS_UNDO_INVALID',
    'the undo data is not that of the touched tensors; the file is damaged.',
  );
}

const widthOf = ({ dtype }: TensorData): 8 | 4 | 2 => formats[dtype as keyof typeof formats].width;

/** Arrays that one tensor after the other uses: fresh memory costs more than what is computed in it. */
class Scratch {
  private floatBuffer = new Float32Array(0);
  private wordBuffer = new Uint32Array(0);

  floats(count: number): Float32Array {
    if (this.floatBuffer.length < count) this.floatBuffer = new Float32Array(count);
    return this.floatBuffer.subarray(0, count);
  }

  words(count: number): Uint32Array {
    if (this.wordBuffer.length < count) this.wordBuffer = new Uint32Array(count);
    return this.wordBuffer.subarray(0, count);
  }
}

/** Bits of round(patched − δ), kept finite; of the patched value itself where nothing was added or it was replaced. */
function prediction(
  patched: TensorData,
  change: Change | undefined,
  name: string,
  scratch: Scratch,
): Uint8Array {
  if (change === undefined || 'replacement' in change) return patched.bytes;
  const { delta } = change;
  const { dtype, shape } = patched;
  const { largest } = formats[dtype as keyof typeof formats];
  const singles = float32View(patched);
  if (singles !== undefined) {
    const values = scratch.floats(singles.length);
    for (let i = 0; i < singles.length; i++) {
      const y = singles[i]!;
      const x = delta[i] === 0 ? y : y - delta[i]!;
      values[i] = Math.min(Math.max(x, -largest), largest);
    }
    return new Uint8Array(values.buffer, 0, values.byteLength);
  }
  const values = new Float64Array(finiteValues(patched, `"${name}"`));
  for (let i = 0; i < values.length; i++) {
    if (delta[i] !== 0) values[i] = Math.min(Math.max(values[i]! - delta[i]!, -largest), largest);
  }
  return roundTo(dtype, shape, values, `"${name}", unpatched`).bytes;
}

/**
 * a − b of little-endian integers of `width` bytes, modulo 2^(8·width), so that small differences of either sign are small numbers: 2·D for
 * D >= 0, else −2·D − 1. One word each; of 8 bytes first all low words, then all high ones.
 */
function subtractBits(a: Uint8Array, b: Uint8Array, width: 8 | 4 | 2, scratch: Scratch): Uint32Array[] {
  if (width === 8) {
    const [x, y] = [integers(a, BigInt64Array), integers(b, BigInt64Array)];
    const low = new Uint32Array(x.length);
    const high = new Uint32Array(x.length);
    for (let i = 0; i < x.length; i++) {
      const difference = BigInt.asIntN(64, x[i]! - y[i]!);
      const zigzag = BigInt.asUintN(64, (difference << 1n) ^ (difference >> 63n));
      low[i] = Number(zigzag & 0xffffffffn);
      high[i] = Number(zigzag >> 32n);
    }
    return [low, high];
  }
  const shift = 32 - 8 * width;
  const [x, y] = [narrowIntegers(a, width), narrowIntegers(b, width)];
  const words = scratch.words(x.length);
  for (let i = 0; i < words.length; i++) {
    const difference = ((x[i]! - y[i]!) << shift) >> shift;
    words[i] = (difference << 1) ^ (difference >> 31);
  }
  return [words];
}

/** The inverse: b plus the difference. */
function addBits(b: Uint8Array, differences: readonly Uint32Array[], width: 8 | 4 | 2): Uint8Array {
  const [low, high] = differences;
  if (width === 8) {
    const sum = integers(b, BigInt64Array).slice();
    for (let i = 0; i < sum.length; i++) {
      const zigzag = (BigInt(high![i]!) << 32n) | BigInt(low![i]!);
      sum[i] = sum[i]! + ((zigzag >> 1n) ^ -(zigzag & 1n));
    }
    return new Uint8Array(sum.buffer);
  }
  const sum = narrowIntegers(b, width).slice();
  for (let i = 0; i < sum.length; i++) {
    const zigzag = low![i]!;
    sum[i] = sum[i]! + ((zigzag >>> 1) ^ -(zigzag & 1));
  }
  return new Uint8Array(sum.buffer);
}

function narrowIntegers(bytes: Uint8Array, width: 4 | 2): Int32Array | Int16Array {
  return width === 4 ? integers(bytes, Int32Array) : integers(bytes, Int16Array);
}

type IntegersOf<T> = (new (
  buffer: ArrayBufferLike,
  offset: number,
  length: number,
) => T) & {
  readonly BYTES_PER_ELEMENT: number;
};

/** The bytes as integers, in place where they are aligned. */
function integers<T>(bytes: Uint8Array, Integers: IntegersOf<T>): T {
  const { buffer, byteOffset } =
    bytes.byteOffset % Integers.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes);
  return new Integers(buffer, byteOffset, bytes.length / Integers.BYTES_PER_ELEMENT);
}
