import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cifar100Options, cifar10FromBytes, cifar100FromBytes } from '../cifar.ts';
import { type CifarCOptions, cifarCFromNpy } from '../cifar-c.ts';
import type { ImageDataset } from '../dataset.ts';
import { DatasetError } from '../errors.ts';
import { notFound, readWhole } from './read.ts';

export type Part = 'train' | 'test';

/** CIFAR-10's files in record order. */
export const cifar10Files: Readonly<Record<Part, readonly string[]>> = {
  train: [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}.bin`),
  test: ['test_batch.bin'],
};

/**
 * CIFAR-10 from `data_batch_1.bin` to `data_batch_5.bin` or `test_batch.bin`, in `dir` or its folder `cifar-10-batches-bin`.
 *
 * @throws {DatasetError} `DS_NOT_FOUND` for a missing file, and what `cifar10FromBytes` throws.
 */
export async function openCifar10(dir: string, part: Part): Promise<ImageDataset> {
  const files = cifar10Files[part];
  const folder = await folderWith(dir, 'cifar-10-batches-bin', files[0]!, 'getCifar10 fetches CIFAR-10');
  const batches = files.map((file) => readWhole(join(folder, file), 'getCifar10 completes the folder'));
  return cifar10FromBytes(await Promise.all(batches), `cifar10-${part}`);
}

/**
 * CIFAR-100 from `train.bin` or `test.bin`, in `dir` or its folder `cifar-100-binary`.
 *
 * @throws {DatasetError} `DS_NOT_FOUND` for a missing file, and what `cifar100FromBytes` throws.
 */
export async function openCifar100(
  dir: string,
  part: Part,
  { labels = 'fine' }: Pick<Cifar100Options, 'labels'> = {},
): Promise<ImageDataset> {
  const file = `${part}.bin`;
  const hint = 'unpack cifar-100-binary.tar.gz there';
  const folder = await folderWith(dir, 'cifar-100-binary', file, hint);
  return cifar100FromBytes([await readWhole(join(folder, file), hint)], { name: `cifar100-${part}`, labels });
}

/**
 * One corruption of CIFAR-10-C, or of another data set in its form, at one severity, from `<corruption>.npy` and `labels.npy`, in
 * `dir` or its folder `CIFAR-10-C`. Class names are as `cifarCFromNpy` has them.
 *
 * @throws {DatasetError} `DS_BAD_OPTION` when `corruption` is not a plain name, `DS_NOT_FOUND` for a missing file, and what
 * `cifarCFromNpy` throws.
 */
export async function openCifar10C(
  dir: string,
  corruption: string,
  severity: CifarCOptions['severity'],
  { classNames }: Pick<CifarCOptions, 'classNames'> = {},
): Promise<ImageDataset> {
  if (!/^[a-z][a-z0-9_]*$/.test(corruption)) {
    throw new DatasetError(
      'DS_BAD_OPTION',
      `${JSON.stringify(corruption)} is no name of a corruption; they read like gaussian_noise.`,
    );
  }
  const hint = 'unpack CIFAR-10-C.tar there; listDatasets says where it is published';
  const folder = await folderWith(dir, 'CIFAR-10-C', `${corruption}.npy`, hint);
  const [images, labels] = await Promise.all([
    readWhole(join(folder, `${corruption}.npy`), hint),
    readWhole(join(folder, 'labels.npy'), hint),
  ]);
  const name = `cifar10-c-${corruption}`;
  return cifarCFromNpy(images, labels, { name, severity, classNames });
}

/** `dir`, or the folder in it that the data set's archive unpacks to. */
async function folderWith(dir: string, unpacked: string, file: string, hint: string): Promise<string> {
  for (const folder of [dir, join(dir, unpacked)]) {
    const found = await access(join(folder, file)).then(
      () => true,
      () => false,
    );
    if (found) return folder;
  }
  throw notFound(join(dir, file), `nor is ${join(dir, unpacked, file)}: ${hint}`);
}
