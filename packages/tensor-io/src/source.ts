import { TensorIoError } from './errors.ts';

/** Largest piece that is read into memory at once, 4 GiB: Node 20 has no longer arrays. */
export const MAX_ARRAY_BYTES = 2 ** 32;

/** Random access to bytes that lie somewhere: a file handle, an archive, a cache. */
export interface ByteSource {
  /** Total bytes. */
  readonly size: number;
  /** Exactly `length` bytes from `offset` on; the caller keeps them. */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Releases what the source holds. */
  close?(): Promise<void>;
}

export function bytesSource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  };
}

export function blobSource(blob: Blob, where: string): ByteSource {
  return {
    size: blob.size,
    async read(offset, length) {
      try {
        return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
      } catch (cause) {
        throw new TensorIoError(
          'TIO_IO',
          `${where}: the blob cannot be read; did the file behind it change?`,
          {
            cause,
          },
        );
      }
    },
  };
}

/** Bytes of a source, with the promise of `read` enforced. */
export async function readExactly(
  source: ByteSource,
  offset: number,
  length: number,
  where: string,
): Promise<Uint8Array> {
  const bytes = await source.read(offset, length);
  if (bytes.length !== length) {
    throw new TensorIoError(
      'TIO_TRUNCATED',
      `${where}: asked for ${length} bytes at ${offset}, got ${bytes.length}; the source shrank or lies about its size.`,
    );
  }
  return bytes;
}
