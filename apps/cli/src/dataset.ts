import { readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type ImageDataset, resized, subset } from '@proj/datasets';
import {
  openCifar10,
  openCifar100,
  openIdx,
  openImageFolder,
  openImageList,
  openPack,
  type Part,
} from '@proj/datasets/node';
import { commandLine } from './command-line.ts';
import { openCorruptedArray } from './corrupted-array.ts';
import { CliError, codeOf, exitCode } from './exit.ts';

/** Where `proj data get` puts data sets: `PROJ_CACHE_DIR`, else the user's cache folder. */
export function cacheFolder(): string {
  const { PROJ_CACHE_DIR, XDG_CACHE_HOME } = process.env;
  return PROJ_CACHE_DIR ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'proj');
}

export const dataHelp = `What --data takes:
  cifar10                    fetched by: proj data get cifar10
  a folder                   CIFAR-10/100 binary batches, an IDX pair, NAME.json + NAME.bin, or a folder per class
                             (in train/ and val/ where there is a train/)
  images.json                a list of images in images.bin beside it
  fog.npy@5                  one severity of a CIFAR-10-C array or of what proj corrupt wrote, labels.npy beside it
  cifar10_test_batch.med.br  a pack`;

/** What to open, how large images of any size are to become, and how many from the first on are wanted. */
export interface DataOptions {
  readonly split: Part;
  readonly size?: { readonly size: number; readonly cropPct: number };
  readonly limit?: number | undefined;
  /** Whether images of another size are scaled to it; those of folders always are. */
  readonly resize?: boolean | undefined;
}

/** Opens whatever `--data` names, by what is there. */
export async function openData(spec: string, options: DataOptions): Promise<ImageDataset> {
  const dataset = sized(await open(spec, options), options);
  const { limit = dataset.length } = options;
  if (limit >= dataset.length) return dataset;
  return subset(
    dataset,
    Uint32Array.from({ length: limit }, (_, i) => i),
  );
}

function sized(dataset: ImageDataset, { size, resize }: DataOptions): ImageDataset {
  if (resize !== true || size === undefined) return dataset;
  if (dataset.height === size.size && dataset.width === size.size) return dataset;
  const { height, width, channels } = dataset;
  const stored = async (index: number) => ({ height, width, channels, data: await dataset.images([index]) });
  // Whole images: small ones have no border that evaluation would cut off. Random crops are cut before any scaling.
  return { ...resized(dataset, size.size), original: dataset.original?.bind(dataset) ?? stored };
}

async function open(spec: string, { split, size }: DataOptions): Promise<ImageDataset> {
  if (spec === 'cifar10') return cifar10(cacheFolder(), split);
  if (/\.npy(@[^/]*)?$/.test(spec)) return openCorruptedArray(spec);
  if (spec.endsWith('.med.br')) return openPack(spec);
  if (spec.endsWith('.json')) return openImageList(spec);
  const files = await readdir(spec).catch((cause: NodeJS.ErrnoException) => {
    throw new CliError('CLI_NO_DATA', exitCode.noInput, `--data ${spec}: ${cause.message}.\n${dataHelp}`);
  });
  const has = (...names: string[]) => names.some((name) => files.includes(name));
  if (has('data_batch_1.bin', 'test_batch.bin', 'cifar-10-batches-bin')) return cifar10(spec, split);
  if (has('train.bin', 'test.bin', 'cifar-100-binary')) return openCifar100(spec, split);
  const idx = idxPair(files, split, spec);
  if (idx !== undefined) return openIdx(join(spec, idx.images), join(spec, idx.labels));
  const folders = await Promise.all(
    files.map((file) =>
      stat(join(spec, file)).then(
        (entry) => entry.isDirectory(),
        () => false,
      ),
    ),
  );
  const named = files.filter((_, i) => folders[i]);
  const part = named.includes('train') ? named.find((name) => parts[split].includes(name)) : undefined;
  if (part !== undefined) return openImageFolder(join(spec, part), size);
  return named.length > 0 ? openImageFolder(spec, size) : openImageList(spec);
}

/** Folders of a folder with parts, as ImageNet is usually laid out; with a `train` among them they are no classes. */
const parts: Readonly<Record<Part, readonly string[]>> = { train: ['train'], test: ['val', 'test'] };

async function cifar10(folder: string, split: Part): Promise<ImageDataset> {
  return openCifar10(folder, split).catch((error: Error) => {
    if (codeOf(error) !== 'DS_NOT_FOUND') throw error;
    throw new CliError(
      'CLI_NO_DATA',
      exitCode.noInput,
      `the ${split} part of CIFAR-10 is not in ${folder}; fetch it with: ${commandLine(['data', 'get', 'cifar10'])}`,
    );
  });
}

const idxPrefixes: Readonly<Record<Part, string>> = { train: 'train', test: 't10k' };

/** MNIST's file names: train-* and t10k-*, with `-` or `.` before `idx`, plain or gzipped. */
function idxPair(files: readonly string[], split: Part, folder: string) {
  const pair = (part: Part) => {
    const find = (kind: string) =>
      files.find((file) => new RegExp(`^${idxPrefixes[part]}-${kind}[-.]idx\\d-ubyte(\\.gz)?$`).test(file));
    const [images, labels] = [find('images'), find('labels')];
    return images === undefined || labels === undefined ? undefined : { images, labels };
  };
  const other = split === 'train' ? 'test' : 'train';
  const found = pair(split);
  if (found === undefined && pair(other) !== undefined) {
    throw new CliError(
      'CLI_NO_DATA',
      exitCode.noInput,
      `${folder} holds no pair of ${idxPrefixes[split]}-*, only the ${other} part (${idxPrefixes[other]}-*); pass --split ${other}.`,
    );
  }
  return found;
}
