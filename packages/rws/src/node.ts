import { readFile } from 'node:fs/promises';
import { type Metadata, parseSafetensors } from '@proj/tensor-io';
import { readSafetensors, writeFileAtomic, writeSafetensors } from '@proj/tensor-io/node';
import { headerBytes, inOrder, withHeader } from './file-header.ts';
import { type PatchedModel, patch } from './patch.ts';
import { isPatched, openPatched, patchedMetadata } from './patched-file.ts';

/** A model's file in memory, with what writing it again needs. */
export interface ModelFile {
  /** Without signatures where the file has none. */
  readonly model: PatchedModel;
  /** The file's own entries, without those of signatures. */
  readonly metadata: Metadata;
  /** The start of the file as it was before any patch; null where that is not known. */
  readonly header: Uint8Array<ArrayBuffer> | null;
}

/**
 * Reads a safetensors model, patched or not, or all shards of a `model.safetensors.index.json`.
 *
 * @throws {RwsError} what `openPatched` throws. @throws {TensorIoError} what `readSafetensors` throws.
 */
export async function readModelFile(path: string): Promise<ModelFile> {
  // One read of the whole file; tensor-io's reader has the say about shards and about what cannot be read.
  const read = path.endsWith('.json') ? undefined : await readFile(path).catch(() => undefined);
  const bytes = read && new Uint8Array(read.buffer, read.byteOffset, read.length);
  const { state, metadata } =
    bytes === undefined ? await readSafetensors(path) : parseSafetensors(bytes, path);
  if (isPatched(metadata)) return openPatched(state, metadata);
  const header = bytes === undefined ? null : new Uint8Array(bytes.subarray(0, headerBytes(bytes)));
  return { model: await patch(state, []), metadata, header };
}

/**
 * Writes a model durably and atomically. Its tensors keep their places; the last signature taken off, the file is
 * what it was before the first, byte for byte.
 *
 * @param file what the model was read from, as `readModelFile` returned it
 * @throws {RwsError} `RWS_PATCH_TOO_LARGE`. @throws {TensorIoError} what `writeSafetensors` throws.
 */
export async function writeModelFile(path: string, model: PatchedModel, file: ModelFile): Promise<void> {
  const metadata = await patchedMetadata(model, file.metadata, file.header);
  if (file.header === null) return writeSafetensors(path, model.state, metadata);
  const pieces =
    model.applied.length === 0
      ? await withHeader(file.header, model.state, metadata)
      : inOrder(model.state, metadata);
  if (pieces === undefined) return writeSafetensors(path, model.state, metadata);
  await writeFileAtomic(path, joined(pieces));
}

/** Neighbours in memory as one piece, so that fewer are written. */
function joined(pieces: readonly Uint8Array[]): Uint8Array[] {
  const runs: Uint8Array[] = [];
  for (const piece of pieces) {
    const last = runs.at(-1);
    if (last?.buffer === piece.buffer && last.byteOffset + last.length === piece.byteOffset) {
      runs[runs.length - 1] = new Uint8Array(last.buffer, last.byteOffset, last.length + piece.length);
    } else {
      runs.push(piece);
    }
  }
  return runs;
}
