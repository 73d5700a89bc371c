import { TensorIoError, type TensorIoErrorCode } from '../errors.ts';

const CODES: ReadonlyMap<string, TensorIoErrorCode> = new Map([
  ['ENOENT', 'TIO_NOT_FOUND'],
  ['ENOTDIR', 'TIO_NOT_FOUND'],
  ['EACCES', 'TIO_PERMISSION'],
  ['EPERM', 'TIO_PERMISSION'],
  ['EROFS', 'TIO_PERMISSION'],
  ['ENOSPC', 'TIO_DISK_FULL'],
  ['EDQUOT', 'TIO_DISK_FULL'],
  ['EISDIR', 'TIO_NOT_A_FILE'],
]);

/** Awaits a file operation; its failure becomes a `TensorIoError` that names the action and the path. */
export async function fileOperation<T>(action: string, path: string, operation: Promise<T>): Promise<T> {
  try {
    return await operation;
  } catch (cause) {
    throw new TensorIoError(
      CODES.get(systemCode(cause)) ?? 'TIO_IO',
      `cannot ${action} ${path}: ${(cause as Error).message}.`,
      { cause },
    );
  }
}

/** The operating system's name of what a file operation threw, such as ENOENT. */
export function systemCode(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}
