import { readFile } from 'node:fs/promises';
import { DatasetError } from '../errors.ts';

/** Whether an error says that a file or folder is not there. */
export const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');

/** @throws {DatasetError} `DS_NOT_FOUND` with what to do, when there is no such file. */
export function notFound(path: string, hint: string, cause?: unknown): DatasetError {
  return new DatasetError('DS_NOT_FOUND', `${path} is not there; ${hint}.`, { cause });
}

/** A whole file. @throws {DatasetError} `DS_NOT_FOUND` when it is not there. */
export async function readWhole(path: string, hint: string): Promise<Uint8Array> {
  try {
    const file = await readFile(path);
    // A Buffer's slice would be a view; callers count on Uint8Array's copy.
    return new Uint8Array(file.buffer, file.byteOffset, file.byteLength);
  } catch (error) {
    throw isMissing(error) ? notFound(path, hint, error) : error;
  }
}
