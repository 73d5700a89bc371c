import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { npy } from '../../test/npy.ts';
import { DatasetError } from '../index.ts';
import {
  listDatasets,
  openCifar10,
  openCifar10C,
  openCifar100,
  openIdx,
  openPack,
  openPacks,
} from '../node.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'proj-files-'));
});
afterAll(() => rm(root, { recursive: true }));

async function folder(name: string, files: Readonly<Record<string, Uint8Array>>): Promise<string> {
  for (const [file, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(root, name, file)), { recursive: true });
    await writeFile(join(root, name, file), bytes);
  }
  return join(root, name);
}

const codeOf = (made: Promise<unknown>) =>
  made.then(
    () => 'nothing thrown',
    (error: unknown) => (error instanceof DatasetError ? error.code : String(error)),
  );

/** One record, all pixels of one value. */
const record = (labels: number[], value: number) =>
  Uint8Array.of(...labels, ...new Uint8Array(3072).fill(value));

describe('CIFAR files', () => {
  it('are found in the folder itself or in the one that the archive unpacks to, batches in order', async () => {
    const batches = Object.fromEntries(
      [1, 2, 3, 4, 5].map((k) => [`data_batch_${k}.bin`, record([k], 10 * k)]),
    );
    const flat = await folder('flat', { ...batches, 'test_batch.bin': record([7], 70) });
    const nested = await folder('nested', { 'cifar-10-batches-bin/test_batch.bin': record([8], 80) });
    const train = await openCifar10(flat, 'train');
    expect([...train.labels]).toEqual([1, 2, 3, 4, 5]);
    expect((await train.images([3]))[0]).toBe(40);
    expect(train.name).toBe('cifar10-train');
    expect([...(await openCifar10(flat, 'test')).labels]).toEqual([7]);
    expect([...(await openCifar10(nested, 'test')).labels]).toEqual([8]);
    const hundred = await folder('hundred', { 'cifar-100-binary/train.bin': record([3, 42], 1) });
    expect([...(await openCifar100(hundred, 'train')).labels]).toEqual([42]);
    expect([...(await openCifar100(hundred, 'train', { labels: 'coarse' })).labels]).toEqual([3]);
  });

  it('that are missing are named, with what to do', async () => {
    const dir = await folder('gaps', { 'data_batch_1.bin': record([1], 1) });
    await expect(openCifar10(dir, 'test')).rejects.toThrow(
      /test_batch\.bin is not there; .*getCifar10 fetches CIFAR-10/,
    );
    await expect(openCifar10(dir, 'train')).rejects.toThrow(/data_batch_\d\.bin is not there/);
    expect(await codeOf(openCifar100(dir, 'test'))).toBe('DS_NOT_FOUND');
    expect(await codeOf(openCifar10C(dir, 'fog', 1))).toBe('DS_NOT_FOUND');
    expect(await codeOf(openIdx(join(dir, 'a'), join(dir, 'b')))).toBe('DS_NOT_FOUND');
  });

  it('of CIFAR-10-C are opened by the plain name of a corruption', async () => {
    const images = npy(
      '|u1',
      [5, 1, 2, 3],
      Uint8Array.from({ length: 30 }, (_, i) => i),
    );
    const labels = npy('|u1', [5], Uint8Array.of(5, 6, 7, 8, 9));
    const dir = await folder('c', { 'CIFAR-10-C/fog.npy': images, 'CIFAR-10-C/labels.npy': labels });
    const dataset = await openCifar10C(dir, 'fog', 4);
    expect(dataset).toMatchObject({ name: 'cifar10-c-fog-4', length: 1, height: 1, width: 2 });
    expect([...dataset.labels]).toEqual([8]);
    expect([...(await dataset.images([0]))]).toEqual([18, 19, 20, 21, 22, 23]);
    const classNames = [...'abcdefghij'];
    expect((await openCifar10C(dir, 'fog', 4, { classNames })).classNames).toEqual(classNames);
    for (const name of ['../fog', 'fog.npy', '', 'a/b']) {
      expect(await codeOf(openCifar10C(dir, name, 1)), name).toBe('DS_BAD_OPTION');
    }
  });
});

describe('IDX files', () => {
  it('are opened by their paths, gzipped or not', async () => {
    const dir = await folder('idx', {
      'images.gz': gzipSync(Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 50, 60)),
      labels: Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 4),
    });
    const dataset = await openIdx(join(dir, 'images.gz'), join(dir, 'labels'), { name: 'two pixels' });
    expect(dataset).toMatchObject({ name: 'two pixels', length: 1, height: 1, width: 2, channels: 1 });
    expect([...(await dataset.images([0])), ...dataset.labels]).toEqual([50, 60, 4]);
  });
});

describe('packs', () => {
  it('are opened by name, CIFAR-10 and CIFAR-100 alike', async () => {
    const dir = await folder('data', {
      'packs/cifar10_x.med.br': brotliCompressSync(Uint8Array.of(3, ...new Uint8Array(3072))),
      'packs/cifar100_y.med.br': brotliCompressSync(Uint8Array.of(1, 2, ...new Uint8Array(3072))),
    });
    expect([...(await openPacks(dir, 'cifar10_x')).labels]).toEqual([3]);
    expect([...(await openPacks(dir, 'cifar100_y')).labels]).toEqual([2]);
  });

  it('are opened by path in any folder, if named like a pack', async () => {
    const bytes = brotliCompressSync(Uint8Array.of(1, 2, ...new Uint8Array(3072)));
    const dir = await folder('anywhere', {
      'cifar100_y.med.br': bytes,
      'mine.med.br': bytes,
      cifar100_z: bytes,
    });
    const dataset = await openPack(join(dir, 'cifar100_y.med.br'));
    expect(dataset).toMatchObject({ name: 'cifar100_y', length: 1, height: 32 });
    expect([...dataset.labels]).toEqual([2]);
    for (const file of ['mine.med.br', 'cifar100_z'])
      expect(await codeOf(openPack(join(dir, file)))).toBe('DS_BAD_OPTION');
    await expect(openPack(join(dir, 'cifar100_no.med.br'))).rejects.toThrow(
      'cifar100_no.med.br is not there; there are cifar100_y, mine',
    );
  });

  it('that are missing or damaged are refused, with the names that are there', async () => {
    const dir = await folder('bad', { 'packs/cifar10_z.med.br': Uint8Array.of(1, 2, 3) });
    await expect(openPacks(dir, 'cifar10_a')).rejects.toThrow(
      'cifar10_a.med.br is not there; there are cifar10_z',
    );
    expect(await codeOf(openPacks(dir, '../z'))).toBe('DS_BAD_OPTION');
    expect(await codeOf(openPacks(dir, 'cifar10_z'))).toBe('DS_BAD_DATA');
    await expect(openPacks(join(root, 'nowhere'), 'cifar10_a')).rejects.toThrow('there are no packs in');
  });
});

describe('the list of data sets', () => {
  it('says of each where it is published, on what terms, and how large it is', () => {
    for (const { name, home, licence, bytes, open } of listDatasets()) {
      expect(name).toMatch(/^cifar/);
      expect(home).toMatch(/^https:\/\//);
      expect(licence).toMatch(/cite/);
      expect(bytes).toBeGreaterThan(1e8);
      expect(open).toMatch(/^open/);
    }
    expect(listDatasets().map(({ name }) => name)).toEqual(['cifar10', 'cifar100', 'cifar10-c']);
  });
});
