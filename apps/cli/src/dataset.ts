import { readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { ImageDataset } from '@proj/datasets';
import {
  openCifar10,
  openCifar10C,
  openCifar100,
  openIdx,
  openImageFolder,
  openImageList,
  openPacks,
  type Part,
} from '@proj/datasets/node';
import { CliError, exitCode } from './exit.ts';

/** Where `proj data get` puts data sets: `PROJ_CACHE_DIR`, else the user's cache folder. */
export function cacheFolder(): string {
  const { PROJ_CACHE_DIR, XDG_CACHE_HOME } = process.env;
  return PROJ_CACHE_DIR ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'proj');
}

export const dataHelp = `What --data takes:
  cifar10                    fetched by: proj data get cifar10
  a folder                   CIFAR-10/100 binary batches, an IDX pair, NAME.json + NAME.bin, or a folder per class
  images.json                a list of images in images.bin beside it
  fog.npy@5                  one severity of a CIFAR-10-C array, labels.npy beside it
  cifar10_test_batch.med.br  a pack`;

/** What to open, and how large images of any size are to become. */
export interface DataOptions {
  readonly split: Part;
  readonly size?: { readonly size: number; readonly cropPct: number };
}

/** Opens whatever `--data` names, by what is there. */
export async function openData(spec: string, { split, size }: DataOptions): Promise<ImageDataset> {
  if (spec === 'cifar10') return openCifar10(cacheFolder(), split);
  const npy = /^(.+\.npy)@([1-5])$/.exec(spec);
  if (npy !== null) {
    const [, file, severity] = npy as unknown as [string, string, string];
    return openCifar10C(dirname(file), basename(file, '.npy'), Number(severity) as 1 | 2 | 3 | 4 | 5);
  }
  if (spec.endsWith('.med.br'))
    return openPacks(dirname(dirname(join(process.cwd(), spec))), basename(spec, '.med.br'));
  if (spec.endsWith('.json')) return openImageList(spec);
  const files = await readdir(spec).catch((cause: NodeJS.ErrnoException) => {
    throw new CliError('CLI_NO_DATA', exitCode.noInput, `--data ${spec}: ${cause.message}.\n${dataHelp}`);
  });
  const has = (name: string) => files.includes(name);
  if (has('test_batch.bin') || has('cifar-10-batches-bin')) return openCifar10(spec, split);
  if (has('test.bin') || has('cifar-100-binary')) return openCifar100(spec, split);
  const idx = idxPair(files, split);
  if (idx !== undefined) return openIdx(join(spec, idx.images), join(spec, idx.labels));
  const folders = await Promise.all(files.map(async (file) => (await stat(join(spec, file))).isDirectory()));
  return folders.some(Boolean) ? openImageFolder(spec, size) : openImageList(spec);
}

/** MNIST's file names: train-* and t10k-*, with `-` or `.` before `idx`, plain or gzipped. */
function idxPair(files: readonly string[], split: Part) {
  const prefix = split === 'train' ? 'train' : 't10k';
  const find = (kind: string) =>
    files.find((file) => new RegExp(`^${prefix}-${kind}[-.]idx\\d-ubyte(\\.gz)?$`).test(file));
  const [images, labels] = [find('images'), find('labels')];
  return images === undefined || labels === undefined ? undefined : { images, labels };
}
