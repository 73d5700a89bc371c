import { type RandomStream, random } from '@proj/random';
import type { ImageDataset } from './dataset.ts';
import { DatasetError } from './errors.ts';
import { checkCount } from './indices.ts';
import { subset } from './subset.ts';

export interface SplitOptions {
  /**
   * Whether every part has each class in proportion (default), every count rounded to a neighbouring integer. Otherwise
   * images are drawn regardless of their class.
   */
  readonly stratified?: boolean;
}

/**
 * Divides a data set at random into parts of these sizes, without overlap; inside a part images keep their order.
 *
 * A pure function of labels, sizes and seed.
 *
 * @throws {DatasetError} `DS_BAD_OPTION` when a size is no count, or the sizes do not add up to the data set's length.
 */
export function split(
  dataset: ImageDataset,
  sizes: readonly number[],
  seed: number,
  { stratified = true }: SplitOptions = {},
): ImageDataset[] {
  for (const [part, size] of sizes.entries())
    checkCount(size, 0, `${dataset.name}: size ${part} of the split`);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total !== dataset.length) {
    throw new DatasetError(
      'DS_BAD_OPTION',
      `${dataset.name}: the parts ${sizes.join(' + ')} make ${total}, but there are ${dataset.length} images; add a part for the rest.`,
    );
  }
  const stream = random(seed, 'split');
  const pools = shuffledPools(dataset, stratified, stream);
  return sizes.map((size) => {
    const taken = share(
      pools.map((pool) => pool.length),
      size,
      stream,
    );
    const indices = pools.flatMap((pool, c) => pool.splice(0, taken[c]!));
    return subset(
      dataset,
      indices.sort((a, b) => a - b),
    );
  });
}

/** The indices of each class, or of all images, in random order. */
function shuffledPools(
  { length, labels, classNames }: ImageDataset,
  stratified: boolean,
  stream: RandomStream,
) {
  const pools: number[][] = Array.from({ length: stratified ? classNames.length : 1 }, () => []);
  for (const index of stream.permutation(length)) pools[stratified ? labels[index]! : 0]!.push(index);
  return pools;
}

/** Draws `size` of pools this large in proportion: largest remainders round up, ties in random order. */
function share(pools: readonly number[], size: number, stream: RandomStream): number[] {
  const all = pools.reduce((sum, pool) => sum + pool, 0);
  if (all === 0) return pools.map(() => 0);
  const taken = pools.map((pool) => Math.floor((pool * size) / all));
  const left = size - taken.reduce((sum, count) => sum + count, 0);
  const remainder = (c: number) => (pools[c]! * size) % all;
  const ranked = [...stream.permutation(pools.length)].sort((a, b) => remainder(b) - remainder(a));
  for (const c of ranked.slice(0, left)) taken[c]!++;
  return taken;
}
