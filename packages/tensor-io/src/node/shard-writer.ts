import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { TensorIoError } from '../errors.ts';
import { MAX_SHARDS } from '../shards.ts';
import type { Metadata, StateDict, TensorData } from '../state.ts';
import { writeFileAtomic } from './atomic.ts';
import { writeSafetensors } from './safetensors-file.ts';

const INDEX = 'model.safetensors.index.json';

/**
 * Writes a model as `model-00001-of-0000N.safetensors`, ... and `model.safetensors.index.json` into a folder. Shards are
 * filled in the order of the map up to `maxShardBytes` of tensor bytes; a larger tensor gets a shard of its own. The index
 * is written last, so that a killed write leaves no model that could be opened; writing again completes it.
 *
 * @returns the path of the index
 * @throws {TensorIoError} `TIO_EXISTS` when the folder already holds an index; `TIO_BAD_VALUE` when `maxShardBytes` is no
 * integer of at least 1; `TIO_TOO_LARGE` above 1000 shards, before anything is written; as `writeSafetensors` does.
 */
export async function writeShardedSafetensors(
  folder: string,
  state: StateDict,
  options: { maxShardBytes: number; metadata?: Metadata },
): Promise<string> {
  const { maxShardBytes, metadata } = options;
  if (!Number.isSafeInteger(maxShardBytes) || maxShardBytes < 1) {
    throw new TensorIoError(
      'TIO_BAD_VALUE',
      `maxShardBytes must be an integer of at least 1, got ${maxShardBytes}.`,
    );
  }
  const index = join(folder, INDEX);
  const exists = await access(index).then(
    () => true,
    () => false,
  );
  if (exists) {
    throw new TensorIoError(
      'TIO_EXISTS',
      `${index} exists; write into another folder or remove that model first.`,
    );
  }
  const shards = split(state, maxShardBytes);
  if (shards.length > MAX_SHARDS) {
    throw new TensorIoError(
      'TIO_TOO_LARGE',
      `${index}: ${shards.length} shards of ${maxShardBytes} bytes, at most ${MAX_SHARDS} can be opened; raise maxShardBytes.`,
    );
  }
  const weightMap: [string, string][] = [];
  for (const [i, shard] of shards.entries()) {
    const name = `model-${number(i + 1)}-of-${number(shards.length)}.safetensors`;
    await writeSafetensors(join(folder, name), shard, metadata);
    for (const tensor of shard.keys()) weightMap.push([tensor, name]);
  }
  await writeFileAtomic(index, new TextEncoder().encode(indexJson(weightMap, state)));
  return index;
}

function number(value: number): string {
  return String(value).padStart(5, '0');
}

function split(state: StateDict, maxShardBytes: number): Map<string, TensorData>[] {
  let shard = new Map<string, TensorData>();
  const shards = [shard];
  let bytes = 0;
  for (const [name, tensor] of state) {
    if (shard.size > 0 && bytes + tensor.bytes.length > maxShardBytes) {
      shard = new Map();
      shards.push(shard);
      bytes = 0;
    }
    shard.set(name, tensor);
    bytes += tensor.bytes.length;
  }
  return shards;
}

/** Written by hand, since an object would lose a tensor called `__proto__` and sort those called by numbers. */
function indexJson(weightMap: readonly [string, string][], state: StateDict): string {
  const total = [...state.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);
  const lines = weightMap.map(([tensor, shard]) => `    ${JSON.stringify(tensor)}: ${JSON.stringify(shard)}`);
  const body = lines.length === 0 ? '{}' : `{\n${lines.join(',\n')}\n  }`;
  return `{\n  "metadata": {\n    "total_size": ${total}\n  },\n  "weight_map": ${body}\n}\n`;
}
