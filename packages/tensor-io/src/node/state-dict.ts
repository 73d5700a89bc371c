import { parseNpy } from '../npy.ts';
import { parseNpz } from '../npz.ts';
import { isPth, parsePth } from '../pth.ts';
import type { Metadata, StateDict } from '../state.ts';
import { readStart } from './file-source.ts';
import { readSafetensors } from './safetensors-file.ts';

/**
 * Reads the tensors of a file, whose format is told by its content, not its name: safetensors, a sharded
 * `model.safetensors.index.json` (both with their metadata), `.npz`, `.npy` (one tensor, called `tensor`), PyTorch `.pth`/`.pt`.
 *
 * @throws {TensorIoError} as `readSafetensors`, `parseNpz`, `parseNpy` and `parsePth` do.
 */
export async function readStateDict(path: string): Promise<{ state: StateDict; metadata: Metadata }> {
  const magic = new TextDecoder('latin1').decode(await readStart(path, 6));
  if (!magic.startsWith('PK') && magic !== '\x93NUMPY' && !magic.startsWith('\x80\x02'))
    return readSafetensors(path);
  const bytes = await readStart(path, Number.POSITIVE_INFINITY);
  return { state: otherState(bytes, magic, path), metadata: new Map() };
}

function otherState(bytes: Uint8Array, magic: string, path: string): StateDict {
  if (magic === '\x93NUMPY') return new Map([['tensor', parseNpy(bytes, path)]]);
  return magic.startsWith('PK') && !isPth(bytes, path)
    ? parseNpz(bytes, path)
    : parsePth(bytes, { source: path }).state;
}
