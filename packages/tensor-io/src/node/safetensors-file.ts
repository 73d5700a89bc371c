import { type OpenSafetensors, openSafetensors } from '../lazy.ts';
import { safetensorsParts } from '../safetensors.ts';
import type { Metadata, StateDict, TensorData } from '../state.ts';
import { writeFileAtomic } from './atomic.ts';
import { fileSource } from './file-source.ts';

/**
 * Opens a safetensors file and reads only its header; close it when done.
 *
 * @throws {TensorIoError} as `parseSafetensors` does, and `TIO_NOT_FOUND`, `TIO_PERMISSION`, `TIO_NOT_A_FILE`, `TIO_IO`.
 */
export async function openSafetensorsFile(path: string): Promise<OpenSafetensors> {
  return openSafetensors(await fileSource(path), path);
}

/**
 * Reads a whole safetensors file.
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
