import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';
import { cifar10FromBytes, cifar100FromBytes } from '../cifar.ts';
import type { ImageDataset } from '../dataset.ts';
import { DatasetError } from '../errors.ts';
import { packFromBytes } from '../pack.ts';
import { readWhole } from './read.ts';

const ending = '.med.br';

/** Far above the 31 MB of a 10,000-record pack, far below what would hurt. */
const maxPackBytes = 512 * 1024 * 1024;

/** What a pack's name starts with says how many label bytes its records have. */
const packName = /^cifar100?_\w+$/;

/**
 * A pack of CIFAR records by its path, `.../cifar10_NAME.med.br` or `.../cifar100_NAME.med.br`, in any folder.
 *
 * @throws {DatasetError} `DS_BAD_OPTION` for a file of another name, `DS_NOT_FOUND` with the packs that the folder has,
 * `DS_BAD_DATA` for a damaged pack.
 */
export async function openPack(path: string): Promise<ImageDataset> {
  const name = basename(path, ending);
  if (!path.endsWith(ending) || !packName.test(name)) {
    throw new DatasetError(
      'DS_BAD_OPTION',
      `${path} is not named like a pack, cifar10_NAME${ending} or cifar100_NAME${ending}, which says what labels it has.`,
    );
  }
  const compressed = await readWhole(path, `there ${await namesIn(dirname(path))}`);
  const pack: Uint8Array = await promisify(brotliDecompress)(compressed, {
    maxOutputLength: maxPackBytes,
  }).catch((error: unknown) => {
    throw new DatasetError('DS_BAD_DATA', `${path} cannot be decompressed (${String(error)}).`, {
      cause: error,
    });
  });
  return name.startsWith('cifar100_')
    ? cifar100FromBytes([packFromBytes(pack, 2)], { name })
    : cifar10FromBytes([packFromBytes(pack, 1)], name);
}

/**
 * A pack of CIFAR records by name, e.g. `cifar10_test_batch` or `cifar100_test`, from `<dataDir>/packs/<name>.med.br`.
 *
 * @throws {DatasetError} `DS_BAD_OPTION` when `name` is no plain name, `DS_NOT_FOUND` with the names that are there,
 * `DS_BAD_DATA` for a damaged pack.
 */
export async function openPacks(dataDir: string, name: string): Promise<ImageDataset> {
  const folder = join(dataDir, 'packs');
  if (!packName.test(name)) {
    throw new DatasetError(
      'DS_BAD_OPTION',
      `${JSON.stringify(name)} is no name of a pack; there ${await namesIn(folder)}.`,
    );
  }
  return openPack(join(folder, name + ending));
}

async function namesIn(folder: string): Promise<string> {
  const files = await readdir(folder).catch(() => []);
  const names = files.filter((file) => file.endsWith(ending)).map((file) => file.slice(0, -ending.length));
  return names.length === 0 ? `are no packs in ${folder}` : `are ${names.sort().join(', ')}`;
}
