import { parseNpy } from '../npy.ts';
import { parseNpz } from '../npz.ts';
import { isPth, parsePth } from '../pth.ts';
import type { TensorData } from '../state.ts';
import { readStart } from './file-source.ts';
import { readSafetensors } from './safetensors-file.ts';

/**
 * Reads the tensors of a file, whose format is told by its content, not its name: safetensors, a sharded
 * `model.safetensors.index.json`, `.npz`, `.npy` (one tensor, called `tensor`), PyTorch `.pth`/`.pt`.
 *
 * @throws {TensorIoError} as `readSafetensors`, `parseNpz`, `parseNpy` and `parsePth` do.
 */
export async function readStateDict(path: string): Promise<Map<string, TensorData>> {
  const magic = new TextDecoder('latin1').decode(await readStart(path, 6));
  const zip = magic.startsWith('PK');
  if (!zip && magic !== '\x93NUMPY' && !magic.startsWith('\x80\x02'))
    return (await readSafetensors(path)).state;
  const bytes = await readStart(path, Number.POSITIVE_INFINITY);
  if (magic === '\x93NUMPY') return new Map([['tensor', parseNpy(bytes, path)]]);
  return zip && !isPth(bytes, path) ? parseNpz(bytes, path) : parsePth(bytes, { source: path }).state;
}
