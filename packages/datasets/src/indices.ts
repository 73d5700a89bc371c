import { DatasetError } from './errors.ts';

/** @throws {DatasetError} `DS_BAD_INDEX` for the first index that is no image of a data set of this length. */
export function checkIndices(indices: ArrayLike<number>, length: number, name: string): void {
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i]!;
    if (!Number.isInteger(index) || index < 0 || index >= length) {
      throw new DatasetError(
        'DS_BAD_INDEX',
        `${name}: index ${index} (at position ${i}) is no image of it; it has ${length}, counted from 0.`,
      );
    }
  }
}

/** @throws {DatasetError} `DS_BAD_OPTION` when a value is no integer of at least `least`. */
export function checkCount(value: number, least: number, name: string): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new DatasetError('DS_BAD_OPTION', `${name} must be an integer of at least ${least}, got ${value}.`);
  }
}
