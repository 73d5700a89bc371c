import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
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

/**
 * A pack of CIFAR records by name, e.g. `cifar10_test_batch` or `cifar100_test`, from `<dataDir>/packs/<name>.med.br`.
 *
 * @throws {DatasetError} `DS_NOT_FOUND` with the names that are there, `DS_BAD_DATA` for a damaged pack.
 */
export async function openPacks(dataDir: string, name: string): Promise<ImageDataset> {
  const folder = join(dataDir, 'packs');
  if (!/^cifar100?_\w+$/.test(name)) {
    throw new DatasetError(
      'DS_BAD_OPTION',
      `${JSON.stringify(name)} is no name of a pack; there ${await namesIn(folder)}.`,
    );
  }
  const path = join(folder, name + ending);
  const compressed = await readWhole(path, `there ${await namesIn(folder)}`);
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

async function namesIn(folder: string): Promise<string> {
  const files = await readdir(folder).catch(() => []);
  const names = files.filter((file) => file.endsWith(ending)).map((file) => file.slice(0, -ending.length));
  return names.length === 0 ? `are no packs in ${folder}` : `are ${names.sort().join(', ')}`;
}
