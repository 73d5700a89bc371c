import { MAX_HEADER_BYTES } from '../safetensors-header.ts';
import { readExactly } from '../source.ts';
import { fileSource } from './file-source.ts';

/** Kinds of files that hold tensors, as their first bytes tell; `pickle` is what PyTorch before 1.6 saved. */
export type Format = 'safetensors' | 'zip' | 'npy' | 'pickle';

/** An archive with entries, one without, an array, a pickle of protocol 2, which is PyTorch's. */
const MARKS: readonly (readonly [string, Format])[] = [
  ['PK\x03\x04', 'zip'],
  ['PK\x05\x06', 'zip'],
  ['\x93NUMPY', 'npy'],
  ['\x80\x02', 'pickle'],
];

/** A header's length and its first byte. */
const START_BYTES = 9;

/**
 * The format of a file by its first nine bytes. The length at the start of a safetensors file may happen to be the
 * mark of another format (19,280 is `PK`, 640 is the start of a pickle), so a plausible length before a `{` decides first.
 * What is none of these counts as safetensors, whose reader says what is wrong and knows indexes too.
 *
 * @throws {TensorIoError} `TIO_NOT_FOUND`, `TIO_PERMISSION`, `TIO_NOT_A_FILE`, `TIO_IO`.
 */
export async function formatOf(path: string): Promise<Format> {
  const source = await fileSource(path);
  try {
    const start = await readExactly(source, 0, Math.min(START_BYTES, source.size), path);
    return formatOfStart(start, source.size);
  } finally {
    await source.close?.();
  }
}

function formatOfStart(start: Uint8Array, size: number): Format {
  if (start.length === START_BYTES && start[8] === 0x7b) {
    const length = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true);
    if (length <= MAX_HEADER_BYTES && 8 + Number(length) <= size) return 'safetensors';
  }
  const text = new TextDecoder('latin1').decode(start);
  return MARKS.find(([mark]) => text.startsWith(mark))?.[1] ?? 'safetensors';
}
