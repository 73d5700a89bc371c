import { DatasetError } from './errors.ts';

/** @throws {DatasetError} `DS_BAD_OPTION` unless the value is from 0 to 1. */
export function checkProbability(value: number, name: string): void {
  if (!(value >= 0 && value <= 1)) {
    throw new DatasetError('DS_BAD_OPTION', `${name} must be from 0 to 1, got ${value}.`);
  }
}

/** @throws {DatasetError} `DS_BAD_OPTION` unless 0 < low <= high <= `most`. */
export function checkRange([low, high]: readonly [number, number], most: number, name: string): void {
  if (!(low > 0 && low <= high && high <= most)) {
    throw new DatasetError(
      'DS_BAD_OPTION',
      `${name} must be a range above 0 and up to ${most}, got ${low} to ${high}.`,
    );
  }
}
