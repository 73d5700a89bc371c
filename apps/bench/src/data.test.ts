import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { packFromBytes } from '@proj/datasets';
import { cifar10Sha256 } from '@proj/datasets/node';
import { dataDirectory, hasData } from '@proj/fixtures';
import { afterEach, describe, expect, it, vi } from 'vitest';

const home = mkdtempSync(join(tmpdir(), 'proj-bench-data-'));
afterEach(() => vi.unstubAllEnvs());

/** The module as a new process with this data folder has it. */
async function dataIn(folder: string) {
  vi.stubEnv('PROJ_DATA_DIR', folder);
  vi.stubEnv('PROJ_CACHE_DIR', join(home, 'no-cache'));
  vi.resetModules();
  return import('./data.ts');
}

describe('data of jobs', () => {
  it('that is missing is refused with the places looked at and both ways to get it', async () => {
    const { dataFingerprint, openData } = await dataIn(join(home, 'nothing'));
    for (const ask of [dataFingerprint, openData]) {
      const error = await ask('cifar10/data_batch_2').catch((error: Error) => error);
      expect(error).toMatchObject({ code: 'BENCH_DATA_MISSING' });
      for (const part of [
        join(home, 'nothing', 'cifar-10-batches-bin', 'data_batch_2.bin'),
        join(home, 'nothing', 'packs', 'cifar10_data_batch_2.med.br'),
        join(home, 'no-cache', 'cifar-10-batches-bin', 'data_batch_2.bin'),
        'npm run proj -- data get cifar10',
        'PROJ_DATA_DIR',
      ])
        expect((error as Error).message).toContain(part);
    }
  });

  it('is known by name only', async () => {
    const { dataFingerprint } = await dataIn(home);
    await expect(dataFingerprint('cifar11')).rejects.toMatchObject({ code: 'BENCH_UNKNOWN' });
  });

  it('always comes with the digits', async () => {
    const { dataFingerprint, openData } = await dataIn(join(home, 'nothing'));
    const digits = await openData('digits');
    expect([digits.length, digits.height, digits.channels]).toEqual([10_000, 28, 1]);
    expect(await dataFingerprint('digits')).toMatch(/^[0-9a-f]{64}$/);
  });
});

const pack = 'packs/cifar10_test_batch.med.br';

describe.runIf(hasData(pack, 'packs/cifar100_train_0.med.br'))('CIFAR', () => {
  it('has the published SHA-256 as its fingerprint, and the same images, packed, packed otherwise or not packed', async () => {
    const packed = await dataIn(dataDirectory());
    const expected = cifar10Sha256['test_batch.bin'];
    expect(await packed.dataFingerprint('cifar10/test_batch')).toBe(expected);
    const images = await (await packed.openData('cifar10/test_batch')).images([0, 9999]);

    const plain = brotliDecompressSync(readFileSync(join(dataDirectory(), pack)));
    const binaries = join(home, 'binaries');
    mkdirSync(join(binaries, 'cifar-10-batches-bin'), { recursive: true });
    writeFileSync(join(binaries, 'cifar-10-batches-bin/test_batch.bin'), packFromBytes(plain, 1));
    const other = join(home, 'other');
    mkdirSync(join(other, 'packs'), { recursive: true });
    const quick = { params: { [constants.BROTLI_PARAM_QUALITY]: 0 } };
    writeFileSync(join(other, pack), brotliCompressSync(plain, quick));
    for (const folder of [binaries, other]) {
      const { dataFingerprint, openData } = await dataIn(folder);
      expect(await dataFingerprint('cifar10/test_batch'), folder).toBe(expected);
      expect(await (await openData('cifar10/test_batch')).images([0, 9999]), folder).toEqual(images);
    }
    rmSync(home, { recursive: true, force: true });
  });

  it('100 is read in fifths of its training file, which have the fingerprints of their packs', async () => {
    const packed = await dataIn(dataDirectory());
    const expected = await packed.dataFingerprint('cifar100/train_0');
    const plain = brotliDecompressSync(readFileSync(join(dataDirectory(), 'packs/cifar100_train_0.med.br')));
    const records = packFromBytes(plain, 2);
    const folder = join(home, 'hundred', 'cifar-100-binary');
    mkdirSync(folder, { recursive: true });
    // As if the second fifth were the first one's images again.
    writeFileSync(join(folder, 'train.bin'), Buffer.concat([records, records]));
    const { dataFingerprint, openData } = await dataIn(join(home, 'hundred'));
    expect(await dataFingerprint('cifar100/train_0')).toBe(expected);
    expect(await dataFingerprint('cifar100/train_1')).toBe(expected);
    expect((await openData('cifar100/train_1')).classNames).toHaveLength(100);
    await expect(dataFingerprint('cifar100/train_2')).rejects.toMatchObject({ code: 'BENCH_DATA_MISSING' });
    rmSync(home, { recursive: true, force: true });
  });
});

describe.runIf(hasData('tiny-imagenet-mini/val_10_per_class.json', 'imagenet-sample-1000/images224.json'))(
  'lists of ImageNet images',
  () => {
    it('have the same pixels and classes, so that one model sees them all', async () => {
      const { openData, dataFingerprint } = await dataIn(dataDirectory());
      const sample = await openData('imagenet-sample');
      const tiny = await openData('tiny-imagenet-mini/val');
      for (const { height, width, channels, classNames } of [sample, tiny])
        expect([height, width, channels, classNames.length]).toEqual([224, 224, 3, 1000]);
      expect(new Set(sample.labels).size).toBe(1000);
      expect(new Set(tiny.labels).size).toBe(200);
      // Both name the class of the same label alike, as far as their lists agree on names.
      const named = [...new Set(tiny.labels)].filter(
        (label) => sample.classNames[label]!.split(',')[0] === tiny.classNames[label]!.split(',')[0],
      );
      expect(named.length).toBeGreaterThan(100);
      expect(await tiny.images([0])).toHaveLength(224 * 224 * 3);
      expect(await dataFingerprint('tiny-imagenet-mini/val')).toMatch(/^[0-9a-f]{64}$/);
    });
  },
);
