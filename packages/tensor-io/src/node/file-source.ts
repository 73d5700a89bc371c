import { open } from 'node:fs/promises';
import { TensorIoError } from '../errors.ts';
import { type ByteSource, MAX_ARRAY_BYTES, readExactly } from '../source.ts';
import { fileOperation } from './file-errors.ts';

/** Largest single read: the system call takes a 32-bit length. */
const MAX_READ_BYTES = 1 << 30;

/**
 * A regular file as a source; it holds one file descriptor until it is closed.
 *
 * @throws {TensorIoError} `TIO_NOT_FOUND`, `TIO_PERMISSION`, `TIO_NOT_A_FILE`, `TIO_IO`; reading throws `TIO_TOO_LARGE` above 4 GiB.
 */
export async function fileSource(path: string): Promise<ByteSource> {
  const handle = await fileOperation('open', path, open(path, 'r'));
  try {
    const stat = await fileOperation('inspect', path, handle.stat());
    if (!stat.isFile()) throw new TensorIoError('TIO_NOT_A_FILE', `${path} is no regular file.`);
    return {
      size: stat.size,
      async read(offset, length) {
        if (length > MAX_ARRAY_BYTES) {
          throw new TensorIoError('TIO_TOO_LARGE', `${path}: ${length} bytes do not fit into one array.`);
        }
        const bytes = new Uint8Array(length);
        let done = 0;
        while (done < length) {
          const wanted = Math.min(length - done, MAX_READ_BYTES);
          const read = fileOperation('read', path, handle.read(bytes, done, wanted, offset + done));
          const { bytesRead } = await read;
          if (bytesRead === 0) return bytes.subarray(0, done);
          done += bytesRead;
        }
        return bytes;
      },
      close: () => fileOperation('close', path, handle.close()),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The first `length` bytes of a file, or all of a shorter one. */
export async function readStart(path: string, length: number): Promise<Uint8Array> {
  const source = await fileSource(path);
  try {
    return await readExactly(source, 0, Math.min(length, source.size), path);
  } finally {
    await source.close?.();
  }
}
