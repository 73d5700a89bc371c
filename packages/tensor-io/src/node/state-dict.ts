import { parseNpy } from '../npy.ts';
import { parseNpz } from '../npz.ts';
import { isPth, parsePth } from '../pth.ts';
import type { Metadata, StateDict } from '../state.ts';
import { readStart } from './file-source.ts';
import { type Format, formatOf } from './format.ts';
import { readSafetensors } from './safetensors-file.ts';

/**
 * Reads the tensors of a file, whose format is told by its content, not its name: safetensors, a sharded
 * `model.safetensors.index.json` (both with their metadata), `.npz`, `.npy` (one tensor, called `tensor`), PyTorch `.pth`/`.pt`.
 *
 * @throws {TensorIoError} as `readSafetensors`, `parseNpz`, `parseNpy` and `parsePth` do.
 */
export async function readStateDict(path: string): Promise<{ state: StateDict; metadata: Metadata }> {
  const format = await formatOf(path);
  if (format === 'safetensors') return readSafetensors(path);
  const bytes = await readStart(path, Number.POSITIVE_INFINITY);
  return { state: otherState(bytes, format, path), metadata: new Map() };
}

function otherState(bytes: Uint8Array, format: Exclude<Format, 'safetensors'>, path: string): StateDict {
  if (format === 'npy') return new Map([['tensor', parseNpy(bytes, path)]]);
  return format === 'zip' && !isPth(bytes, path)
    ? parseNpz(bytes, path)
    : parsePth(bytes, { source: path }).state;
}
