import { dirname, join } from 'node:path';
import { type OpenSafetensors, openSafetensors } from '../lazy.ts';
import { safetensorsParts } from '../safetensors.ts';
import { MAX_INDEX_BYTES, openShardedSafetensors } from '../shards.ts';
import type { Metadata, StateDict, TensorData } from '../state.ts';
import { writeFileAtomic } from './atomic.ts';
import { fileSource, readStart } from './file-source.ts';

/**
 * Opens a safetensors file, or all shards of a `model.safetensors.index.json`, and reads only the headers; close it when done.
 *
 * @throws {TensorIoError} as `parseSafetensors` and `openShardedSafetensors` do, and `TIO_NOT_FOUND`, `TIO_PERMISSION`,
 * `TIO_NOT_A_FILE`, `TIO_IO`.
 */
export async function openSafetensorsFile(path: string): Promise<OpenSafetensors> {
  if (!isIndex(await readStart(path, 8))) return openSafetensors(await fileSource(path), path);
  const openShard = async (name: string) => {
    const shard = join(dirname(path), name);
    return openSafetensors(await fileSource(shard), shard);
  };
  // One byte more than allowed shows an index that is too long.
  return openShardedSafetensors(await readStart(path, MAX_INDEX_BYTES + 1), openShard, path);
}

/** JSON text holds no zero byte; the length at the start of a safetensors file ends with several, as it is at most 100,000,000. */
function isIndex(start: Uint8Array): boolean {
  return /^[ \t\r\n]*\{/.test(new TextDecoder('latin1').decode(start)) && !start.includes(0);
}

/**
 * Reads a whole safetensors file, or all shards of an index.
 *
 * @throws {TensorIoError} as `openSafetensorsFile` does.
 */
export async function readSafetensors(
  path: string,
): Promise<{ state: Map<string, TensorData>; metadata: Metadata }> {
  const file = await openSafetensorsFile(path);
  try {
    return { state: await file.state(), metadata: file.metadata };
  } finally {
    await file.close();
  }
}

/**
 * Writes a safetensors file durably and atomically, as `writeFileAtomic` does.
 *
 * @throws {TensorIoError} as `serializeSafetensors` and `writeFileAtomic` do.
 */
export async function writeSafetensors(path: string, state: StateDict, metadata?: Metadata): Promise<void> {
  await writeFileAtomic(path, safetensorsParts(state, metadata));
}
