import { TensorIoError } from './errors.ts';
import { JsonReader } from './json.ts';
import { collect, type OpenSafetensors } from './lazy.ts';
import type { Metadata } from './state.ts';

/** Most shards a model may have: each holds a file open (CWE-770). The largest published models have a few hundred. */
export const MAX_SHARDS = 1000;

/** Longest index accepted, in bytes. */
export const MAX_INDEX_BYTES = 100_000_000;

/**
 * Opens a model that is split over several safetensors files, described by a `model.safetensors.index.json`. The header of
 * every shard is read and checked against the index; tensors are read when asked for.
 *
 * @param index the bytes of the index
 * @param openShard opens the shard of that name, a plain file name beside the index
 * @param source name of the index in messages
 * @returns names in the order of the index; of the shards' metadata the pairs that all of them carry
 * @throws {TensorIoError} `TIO_BAD_INDEX`, `TIO_UNSAFE_PATH`, `TIO_SHARD_MISMATCH`, `TIO_TOO_LARGE`, `TIO_NOT_UTF8`, `TIO_BAD_JSON`,
 * `TIO_TOO_DEEP`, `TIO_DUPLICATE_NAME` and what `openShard` throws; opened shards are closed then.
 */
export async function openShardedSafetensors(
  index: Uint8Array,
  openShard: (name: string) => Promise<OpenSafetensors>,
  source = 'index',
): Promise<OpenSafetensors> {
  const shardOf = readIndex(index, source);
  const shards = new Map<string, OpenSafetensors>();
  const close = async () => {
    for (const shard of shards.values()) await shard.close();
  };
  try {
    for (const name of new Set(shardOf.values())) shards.set(name, await openShard(name));
    checkShards(shardOf, shards, source);
  } catch (error) {
    await close();
    throw error;
  }
  const shard = (name: string): OpenSafetensors => {
    const file = shards.get(shardOf.get(name) ?? '');
    if (file !== undefined) return file;
    throw new TensorIoError(
      'TIO_NO_SUCH_TENSOR',
      `${source}: no tensor ${JSON.stringify(name)} among ${shardOf.size}.`,
    );
  };
  return {
    names: [...shardOf.keys()],
    metadata: commonMetadata([...shards.values()]),
    info: (name) => shard(name).info(name),
    tensor: async (name) => shard(name).tensor(name),
    state: (names = shardOf.keys()) => collect(names, async (name) => shard(name).tensor(name)),
    close,
  };
}

/** The shard of each tensor. */
function readIndex(bytes: Uint8Array, where: string): ReadonlyMap<string, string> {
  if (bytes.length > MAX_INDEX_BYTES) {
    throw new TensorIoError(
      'TIO_TOO_LARGE',
      `${where}: ${bytes.length} bytes, at most ${MAX_INDEX_BYTES} are accepted.`,
    );
  }
  const json = new JsonReader(bytes, where);
  let shardOf: ReadonlyMap<string, string> | undefined;
  if (json.is('{')) {
    json.object((field) => {
      if (field === 'weight_map' && json.is('{')) shardOf = readWeightMap(json, where);
      else if (field !== 'weight_map') json.skip();
    });
  }
  json.end();
  if (shardOf === undefined) {
    throw new TensorIoError('TIO_BAD_INDEX', `${where}: an index is an object with an object "weight_map".`);
  }
  const count = new Set(shardOf.values()).size;
  if (count > MAX_SHARDS) {
    throw new TensorIoError(
      'TIO_TOO_LARGE',
      `${where}: ${count} shards, at most ${MAX_SHARDS} are accepted.`,
    );
  }
  return shardOf;
}

function readWeightMap(json: JsonReader, where: string): ReadonlyMap<string, string> {
  const shardOf = new Map<string, string>();
  json.object((name) => {
    if (!json.is('"')) {
      throw new TensorIoError(
        'TIO_BAD_INDEX',
        `${where}: the shard of ${JSON.stringify(name)} must be a file name.`,
      );
    }
    const shard = json.string();
    checkShardName(shard, where);
    shardOf.set(name, shard);
  });
  return shardOf;
}

/**
 * Refuses whatever could name a file outside the folder of the index, on any system and in a URL (CWE-22): only letters,
 * digits, `.`, `_` and `-` are allowed, and no leading dot.
 *
 * @throws {TensorIoError} `TIO_UNSAFE_PATH`.
 */
function checkShardName(name: string, where: string): void {
  if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(name)) {
    throw new TensorIoError(
      'TIO_UNSAFE_PATH',
      `${where}: shard name ${JSON.stringify(name)} refused; a shard is a file beside the index, named by letters, digits, ".", "_" and "-".`,
    );
  }
}

/** Compares the index with what the shards hold, and reports every difference at once. */
function checkShards(
  shardOf: ReadonlyMap<string, string>,
  shards: ReadonlyMap<string, OpenSafetensors>,
  where: string,
): void {
  const problems: string[] = [];
  const held = new Map([...shards].map(([shard, { names }]) => [shard, new Set(names)]));
  for (const [name, shard] of shardOf) {
    if (!held.get(shard)!.has(name)) problems.push(`${JSON.stringify(name)} is missing in ${shard}`);
  }
  for (const [shard, names] of held) {
    for (const name of names) {
      if (shardOf.get(name) !== shard)
        problems.push(`${shard} holds ${JSON.stringify(name)} against the index`);
    }
  }
  if (problems.length > 0) {
    const shown = problems.slice(0, 10).join('; ');
    const more = problems.length > 10 ? `; and ${problems.length - 10} more` : '';
    throw new TensorIoError('TIO_SHARD_MISMATCH', `${where}: ${shown}${more}.`);
  }
}

function commonMetadata(shards: readonly OpenSafetensors[]): Metadata {
  const [first, ...others] = shards;
  const pairs = [...(first?.metadata ?? [])];
  return new Map(pairs.filter(([key, text]) => others.every(({ metadata }) => metadata.get(key) === text)));
}
