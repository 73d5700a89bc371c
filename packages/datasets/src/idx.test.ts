import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { numbered } from '../test/numbered.ts';
import { DatasetError, type ImageDataset, idxFromBytes, idxToBytes, memoryDataset, subset } from './index.ts';

const idx = (shape: number[], data: ArrayLike<number>, type = 8) => {
  const file = new Uint8Array(4 + 4 * shape.length + data.length);
  file.set([0, 0, type, shape.length]);
  const view = new DataView(file.buffer);
  for (const [d, size] of shape.entries()) view.setUint32(4 + 4 * d, size);
  file.set(data, 4 + 4 * shape.length);
  return file;
};
const pixels = Uint8Array.from({ length: 3 * 2 * 4 }, (_, i) => 3 * i);
const images = idx([3, 2, 4], pixels);
const labels = idx([3], [7, 0, 9]);
const gzip = (file: Uint8Array) => new Uint8Array(gzipSync(file));
const codeOf = (made: Promise<unknown>) =>
  made.then(
    () => 'nothing thrown',
    (error: unknown) => (error instanceof DatasetError ? error.code : String(error)),
  );

describe('IDX files', () => {
  it('become grey images, from plain and gzipped files alike', async () => {
    for (const [a, b] of [
      [images, labels],
      [gzip(images), gzip(labels)],
    ] as const) {
      const dataset = await idxFromBytes(a, b, { name: 'mnist' });
      expect(dataset).toMatchObject({ name: 'mnist', length: 3, height: 2, width: 4, channels: 1 });
      expect([...dataset.labels]).toEqual([7, 0, 9]);
      expect(dataset.classNames[7]).toBe('7');
      expect([...(await dataset.images([2]))]).toEqual([...pixels.subarray(16)]);
    }
  });

  it('larger than one chunk of the inflater stay whole', async () => {
    const many = Uint8Array.from({ length: 500 * 28 * 28 }, (_, i) => (i * 7919) >> 5);
    const dataset = await idxFromBytes(gzip(idx([500, 28, 28], many)), idx([500], new Uint8Array(500)));
    const all = await dataset.images(Array.from({ length: 500 }, (_, i) => i));
    expect(Buffer.compare(all, many)).toBe(0);
  });

  it('may have classes of their own', async () => {
    const letters = idx([3], [10, 0, 25]);
    expect(await codeOf(idxFromBytes(images, letters))).toBe('DS_BAD_LABEL');
    const classNames = [...'abcdefghijklmnopqrstuvwxyz'];
    expect((await idxFromBytes(images, letters, { classNames })).labels[2]).toBe(25);
  });

  it('are refused when cut off anywhere, padded, of another type or rank, or of different counts', async () => {
    for (let end = 0; end < images.length; end++) {
      expect(await codeOf(idxFromBytes(images.subarray(0, end), labels)), `cut to ${end} bytes`).toBe(
        'DS_BAD_DATA',
      );
    }
    const zipped = gzip(images);
    for (const end of [2, 10, 20, zipped.length - 9, zipped.length - 1]) {
      expect(await codeOf(idxFromBytes(zipped.subarray(0, end), labels)), `cut to ${end} bytes`).toBe(
        'DS_BAD_DATA',
      );
    }
    expect(await codeOf(idxFromBytes(Uint8Array.of(...images, 0), labels))).toBe('DS_BAD_DATA');
    expect(await codeOf(idxFromBytes(idx([3, 2, 4], pixels, 13), labels))).toBe('DS_BAD_DATA');
    expect(await codeOf(idxFromBytes(labels, images))).toBe('DS_BAD_DATA');
    expect(await codeOf(idxFromBytes(images, idx([2], [1, 2])))).toBe('DS_BAD_DATA');
    expect(await codeOf(idxFromBytes(idx([0xffffffff, 0xffffffff, 0xffffffff], []), labels))).toBe(
      'DS_BAD_DATA',
    );
  });

  it('do not inflate beyond what their header promises', async () => {
    const bomb = gzip(idx([3], new Uint8Array(50_000_000)));
    expect(bomb.length).toBeLessThan(100_000);
    await expect(idxFromBytes(images, bomb)).rejects.toThrow(
      'the label file says 3, 11 bytes in all, but holds more',
    );
  });
});

describe('a data set of grey images', () => {
  it('becomes the files that it was made from', async () => {
    const dataset = await idxFromBytes(images, labels);
    expect(await idxToBytes(dataset)).toEqual({ images, labels });
    expect(await idxToBytes(subset(dataset, [2]))).toEqual({
      images: idx([1, 2, 4], pixels.subarray(16)),
      labels: idx([1], [9]),
    });
    const none = await idxToBytes(subset(dataset, []));
    expect(await idxFromBytes(none.images, none.labels)).toMatchObject({ length: 0, height: 2, width: 4 });
  });

  it('is refused in colour, with labels that are no bytes, or when it gives too few bytes', async () => {
    const spec = { name: 'x', height: 1, width: 1, classNames: Array.from({ length: 300 }, String) };
    const colour = memoryDataset({ ...spec, channels: 3, images: new Uint8Array(3), labels: [0] });
    expect(await codeOf(idxToBytes(colour))).toBe('DS_BAD_OPTION');
    const many = memoryDataset({ ...spec, channels: 1, images: new Uint8Array(1), labels: [256] });
    expect(await codeOf(idxToBytes(many))).toBe('DS_BAD_LABEL');
    const short: ImageDataset = { ...numbered(3), images: () => new Uint8Array(5) };
    expect(await codeOf(idxToBytes(short))).toBe('DS_BAD_DATA');
  });
});
