import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import { TrainerError } from './error.ts';

const bytesPerElement = { float32: 4, int32: 4, bool: 1 } as const;

/** Where the values of a tensor lie in a memory that several threads see. */
export interface SharedTensor {
  readonly name: string;
  readonly dtype: keyof typeof bytesPerElement;
  readonly shape: readonly number[];
  /** In bytes. */
  readonly offset: number;
}

/** Bytes: no two tensors share a cache line, so that no two threads write to one. */
const ALIGNMENT = 64;

/**
 * Places for tensors, one behind the other from `start` on, and where the last one ends.
 *
 * @throws {TrainerError} TRAINER_OPTION_INVALID for dtypes other than float32, int32 and bool.
 */
export function placeTensors(
  tensors: Iterable<readonly [string, Pick<Tensor, 'dtype' | 'shape' | 'size'>]>,
  start: number,
): { readonly places: SharedTensor[]; readonly end: number } {
  const places: SharedTensor[] = [];
  let end = start;
  for (const [name, { dtype, shape, size }] of tensors) {
    if (dtype === 'string' || dtype === 'complex64') {
      throw new TrainerError(
        'TRAINER_OPTION_INVALID',
        `"${name}" is a ${dtype} tensor, which workers cannot share; use float32, int32 or bool.`,
      );
    }
    places.push({ name, dtype, shape, offset: end });
    end += Math.ceil((size * bytesPerElement[dtype]) / ALIGNMENT) * ALIGNMENT;
  }
  return { places, end };
}

/** Some rows, counted along the first axis, of a tensor in shared memory. */
export function rowsOf(place: SharedTensor, first: number, count: number): SharedTensor {
  const shape = [count, ...place.shape.slice(1)];
  const rowBytes = (sizeOf(shape) / count) * bytesPerElement[place.dtype];
  return { ...place, shape, offset: place.offset + first * rowBytes };
}

/** The values in place, not a copy. */
export function sharedValues(
  memory: SharedArrayBuffer,
  { dtype, shape, offset }: SharedTensor,
): Float32Array | Int32Array | Uint8Array {
  const size = sizeOf(shape);
  if (dtype === 'bool') return new Uint8Array(memory, offset, size);
  return dtype === 'int32' ? new Int32Array(memory, offset, size) : new Float32Array(memory, offset, size);
}

/** Writes each tensor to the place of its name. */
export async function writeTensors(
  memory: SharedArrayBuffer,
  places: readonly SharedTensor[],
  tensors: ReadonlyMap<string, Tensor>,
): Promise<void> {
  for (const place of places) sharedValues(memory, place).set(await tensors.get(place.name)!.data());
}

/**
 * The tensors at these places, by name. A backend may keep the memory itself as their values, so they are to be disposed before
 * the memory is written again.
 */
export function readTensors(memory: SharedArrayBuffer, places: readonly SharedTensor[]): Map<string, Tensor> {
  return new Map(
    places.map((place) => [place.name, tensor(sharedValues(memory, place), [...place.shape], place.dtype)]),
  );
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((size, length) => size * length, 1);
