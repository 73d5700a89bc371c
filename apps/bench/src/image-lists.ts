import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ImageDataset, resized } from '@proj/datasets';
import { BenchError } from './error.ts';
import { sha256Of } from './runner/identity.ts';

/** JPEGs one after another in `FILE.bin`, listed in `FILE.json`. */
interface ImageList {
  readonly folder: string;
  readonly file: string;
  open(listPath: string): Promise<ImageDataset>;
}

const imagenetClasses = 1000;
const imagenetSize = 224;

/** All of them have ImageNet's 1,000 classes and 224 x 224 pixels, so that one model sees them all. */
export const imageLists: Readonly<Record<string, ImageList>> = {
  'imagenet-sample': { folder: 'imagenet-sample-1000', file: 'images224', open: openList },
  'tiny-imagenet-mini/train': {
    folder: 'tiny-imagenet-mini',
    file: 'train_25_per_class',
    open: openTinyImagenet,
  },
  'tiny-imagenet-mini/val': {
    folder: 'tiny-imagenet-mini',
    file: 'val_10_per_class',
    open: openTinyImagenet,
  },
};

/** The list's JSON in one of these folders, the images beside it. @throws {BenchError} BENCH_DATA_MISSING. */
export function findList(name: string, folders: readonly string[]): string {
  const { folder, file } = imageLists[name]!;
  const places = folders.map((at) => join(at, folder, `${file}.json`));
  const found = places.find((path) => existsSync(path) && existsSync(binOf(path)));
  if (found !== undefined) return found;
  throw new BenchError(
    'BENCH_DATA_MISSING',
    `${name} is not on this machine; none of these is there with its .bin: ${places.join(', ')}. Set PROJ_DATA_DIR to a folder that has it.`,
  );
}

/** Of the list and of the images. */
export const listFingerprint = async (listPath: string): Promise<string> =>
  sha256Of(
    (
      await Promise.all([listPath, binOf(listPath)].map(async (path) => sha256Of(await readFile(path))))
    ).join(),
  );

const binOf = (listPath: string): string => listPath.replace(/\.json$/, '.bin');

async function openList(listPath: string): Promise<ImageDataset> {
  const { openImageList } = await import('@proj/datasets/node');
  return openImageList(listPath);
}

/** Tiny-ImageNet's 64 x 64 pixels scaled up, under the labels that its 200 classes have in ImageNet. */
async function openTinyImagenet(listPath: string): Promise<ImageDataset> {
  const small = await openList(listPath);
  const { imagenet1k_index: indices } = JSON.parse(await readFile(listPath, 'utf8')) as {
    readonly imagenet1k_index: readonly number[];
  };
  const classNames = Array.from({ length: imagenetClasses }, (_, i) => `ImageNet class ${i}`);
  for (const [i, name] of small.classNames.entries()) classNames[indices[i]!] = name;
  return {
    ...resized(small, imagenetSize),
    classNames,
    labels: small.labels.map((label) => indices[label]!),
  };
}
