import { TensorIoError } from './errors.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Text of UTF-8 bytes; nothing is replaced or dropped.
 *
 * @throws {TensorIoError} `TIO_NOT_UTF8`.
 */
export function decodeUtf8(bytes: Uint8Array, where: string): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new TensorIoError('TIO_NOT_UTF8', `${where}: not valid UTF-8.`, { cause });
  }
}
