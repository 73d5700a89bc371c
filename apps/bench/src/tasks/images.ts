import type { CorruptionName } from '@proj/corruptions';
import { type ImageDataset, memoryDataset, split } from '@proj/datasets';
import { openData } from '../data.ts';
import { joined } from './joined.ts';

/** Data put together in this order and divided at random. */
export type PoolConfig = {
  /** As `data.ts` knows them; the same names stand in the job's `data`. */
  readonly data: readonly string[];
  /** Sizes of the parts, each with every class in proportion; what is left over is in none. Empty: the whole is part 0. */
  readonly parts: readonly number[];
  readonly splitSeed: number;
};

/** What images look like; no corruption is clean. */
export type CorruptionConfig = {
  readonly corruption?: CorruptionName;
  /** 1 to 5. */
  readonly severity: number;
  /** Image i of a part draws from the stream (corruptionSeed, i), so another part needs another seed. */
  readonly corruptionSeed: number;
};

/** Images of a part, as far as the configuration alone says: all data of one name has 10,000. */
export const partSize = ({ data, parts }: PoolConfig, part: number): number =>
  parts[part] ?? 10_000 * data.length;

/** A part of a pool. */
export type ImagesConfig = PoolConfig & { readonly part: number };

/** How many images these parts have together, as far as the configuration alone says. */
export const imageCount = (parts: readonly ImagesConfig[]): number =>
  parts.reduce((sum, pool) => sum + partSize(pool, pool.part), 0);

/** Parts of one or of many pools, one after another. @throws as `openParts`; RangeError where images differ in size or classes in number. */
export async function openImages(parts: readonly ImagesConfig[]): Promise<ImageDataset> {
  const opened: ImageDataset[] = [];
  for (const { part, ...pool } of parts) opened.push((await openParts(pool))(part));
  return joined(opened);
}

export type Parts = (part: number) => ImageDataset;

/** @throws {BenchError} BENCH_UNKNOWN, BENCH_DATA_MISSING; `DatasetError` where the parts do not fit the data. */
export async function openParts({ data, parts, splitSeed }: PoolConfig): Promise<Parts> {
  const all = await together(data);
  if (parts.length === 0) return (part) => required([all], part);
  const rest = all.length - parts.reduce((sum, size) => sum + size, 0);
  const divided = split(all, rest > 0 ? [...parts, rest] : parts, splitSeed).slice(0, parts.length);
  return (part) => required(divided, part);
}

function required(parts: readonly ImageDataset[], part: number): ImageDataset {
  const found = parts[part];
  if (found === undefined)
    throw new RangeError(`there is no part ${part}; the parts are 0 to ${parts.length - 1}`);
  return found;
}

async function together(names: readonly string[]): Promise<ImageDataset> {
  const datasets = await Promise.all(names.map(openData));
  const [first] = datasets;
  if (first === undefined) throw new RangeError('a job needs the name of at least one data set');
  if (datasets.length === 1) return first;
  const images = await Promise.all(
    datasets.map((dataset) => dataset.images(Uint32Array.from({ length: dataset.length }, (_, i) => i))),
  );
  return memoryDataset({
    ...first,
    name: names.join(' + '),
    images: new Uint8Array(Buffer.concat(images)),
    labels: datasets.flatMap(({ labels }) => [...labels]),
  });
}

/** What progress, signals and images need of a task's context. */
export interface Watch {
  readonly signal: AbortSignal;
  readonly progress: (done: number, total: number, detail?: string) => void;
}

/** The part as it looks under the corruption, each image corrupted once and for all. */
export async function underCorruption(
  dataset: ImageDataset,
  { corruption, severity, corruptionSeed }: CorruptionConfig,
  { signal, progress }: Watch,
): Promise<ImageDataset> {
  const { corrupted, inMemory } = await import('@proj/recipes');
  if (corruption === undefined) return inMemory(dataset, { signal });
  return inMemory(corrupted(dataset, { name: corruption, severity, seed: corruptionSeed }), {
    signal,
    progress: ({ count }) => progress(count, dataset.length, `making images under ${corruption}`),
  });
}
