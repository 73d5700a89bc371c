import { mkdir, mkdtemp, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DatasetError, resizeAndCrop } from '../index.ts';
import { openImageFolder, openImageList } from '../node.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'proj-images-'));
});
afterAll(() => rm(root, { recursive: true }));

const codeOf = (made: Promise<unknown>) =>
  made.then(
    () => 'nothing thrown',
    (error: unknown) => (error instanceof DatasetError ? error.code : String(error)),
  );

const raw = (width: number, height: number, channels: 1 | 3 | 4, shift = 0) => ({
  data: Uint8Array.from({ length: width * height * channels }, (_, i) => i * 13 + shift),
  info: { width, height, channels },
});
const encode = ({ data, info }: ReturnType<typeof raw>) => sharp(data, { raw: info });
const png = (image: ReturnType<typeof raw>) => encode(image).png().toBuffer();

async function folder(name: string, files: Readonly<Record<string, Uint8Array | string>>): Promise<string> {
  for (const [file, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(root, name, file)), { recursive: true });
    await writeFile(join(root, name, file), bytes);
  }
  return join(root, name);
}

describe('an image folder', () => {
  it('has a class per folder, classes and files by name, whatever lies deeper included', async () => {
    const image = (shift: number) => png(raw(4, 2, 3, shift));
    const dir = await folder('order', {
      'dog/b.png': await image(1),
      'dog/a.PNG': await image(2),
      'cat/images/2.png': await image(3),
      'cat/images-1/3.png': await image(4),
      'cat/z.png': await image(5),
      'dog/.hidden': 'not an image',
      'notes.txt': 'beside the classes',
    });
    await symlink(join(dir, 'dog'), join(dir, 'wolf'));
    const dataset = await openImageFolder(dir);
    expect(dataset).toMatchObject({ name: 'order', length: 7, height: 2, width: 4, channels: 3 });
    expect(dataset.classNames).toEqual(['cat', 'dog', 'wolf']);
    expect([...dataset.labels]).toEqual([0, 0, 0, 1, 1, 2, 2]);
    const images = await dataset.images([0, 1, 2, 3, 4, 5, 6]);
    // Files of a folder before those of the folders in it; "images-1" sorts before "images/..." but after "images".
    expect([0, 1, 2, 3, 4, 5, 6].map((i) => images[i * 24])).toEqual([5, 3, 4, 2, 1, 2, 1]);
    expect(images.subarray(0, 24)).toEqual(raw(4, 2, 3, 5).data);
    expect(await codeOf(Promise.resolve().then(() => dataset.images([7])))).toBe('DS_BAD_INDEX');
  });

  it('that is resized still has its whole images for random crops, and one that is not has nothing more', async () => {
    const dir = await folder('whole', {
      'a/1.png': await png(raw(9, 4, 3)),
      'a/2.png': await png(raw(5, 6, 3)),
    });
    const dataset = await openImageFolder(dir, { size: 3 });
    const { data, ...shape } = await dataset.original!(0);
    expect(shape).toEqual({ height: 4, width: 9, channels: 3 });
    expect(Uint8Array.from(data)).toEqual(raw(9, 4, 3).data);
    expect(await dataset.original!(1)).toMatchObject({ height: 6, width: 5 });
    expect(await codeOf(dataset.original!(2))).toBe('DS_BAD_INDEX');
    expect(await openImageFolder(dir)).not.toHaveProperty('original');
  });

  it('reads grey as RGB, drops alpha without blending, and leaves EXIF orientation unapplied', async () => {
    const rgba = raw(4, 4, 4);
    const grey = raw(4, 4, 1);
    const turned = await encode(raw(4, 4, 3))
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer();
    const dir = await folder('forms', {
      'a/alpha.png': await png(rgba),
      'a/grey.png': await encode(grey).toColourspace('b-w').png().toBuffer(),
      'a/lossy-grey.jpg': await encode(raw(4, 4, 1))
        .toColourspace('b-w')
        .jpeg()
        .toBuffer(),
      'a/turned.png': turned,
      'a/webp.webp': await encode(raw(4, 4, 3))
        .webp({ lossless: true })
        .toBuffer(),
    });
    const dataset = await openImageFolder(dir);
    const image = async (i: number) => [...(await dataset.images([i]))];
    expect(await image(0)).toEqual([...rgba.data].filter((_, i) => i % 4 < 3));
    expect(await image(1)).toEqual([...grey.data].flatMap((value) => [value, value, value]));
    const lossy = await image(2);
    expect(lossy.every((value, i) => value === lossy[i - (i % 3)])).toBe(true);
    expect(await image(3)).toEqual([...raw(4, 4, 3).data]);
    expect(await image(4)).toEqual([...raw(4, 4, 3).data]);
  });

  it("resizes and crops as timm's evaluation does when given a size", async () => {
    const dir = await folder('sizes', {
      'a/1.png': await png(raw(50, 40, 3)),
      'a/2.png': await png(raw(20, 30, 3)),
    });
    const dataset = await openImageFolder(dir, { size: 14 });
    expect(dataset).toMatchObject({ height: 14, width: 14 });
    const expected = (width: number, height: number, shorterSide: number) =>
      resizeAndCrop(
        { width, height, channels: 3, data: raw(width, height, 3).data },
        { shorterSide, size: 14 },
      ).data;
    expect(await dataset.images([1, 0])).toEqual(
      Uint8Array.of(...expected(20, 30, 16), ...expected(50, 40, 16)),
    );
    const wider = await openImageFolder(dir, { size: 14, cropPct: 0.9 });
    expect(await wider.images([0])).toEqual(expected(50, 40, 15));
  });

  it('names the file that is damaged or has another size', async () => {
    const whole = await encode(raw(64, 64, 3))
      .jpeg()
      .toBuffer();
    const dir = await folder('damaged', {
      'a/1.jpg': whole,
      'a/2-cut-off.jpg': whole.subarray(0, whole.length / 2),
      'a/3-text.png': 'hello',
      'a/4-smaller.png': await png(raw(4, 4, 3)),
    });
    const dataset = await openImageFolder(dir);
    await expect(dataset.images([0, 1])).rejects.toThrow(
      /2-cut-off\.jpg cannot be decoded \(.+\); replace or remove it/,
    );
    await expect(dataset.images([2])).rejects.toThrow('3-text.png cannot be decoded');
    await expect(dataset.images([3])).rejects.toThrow(
      '4-smaller.png has 4 x 4 pixels, the first image 64 x 64; pass size',
    );
    for (const i of [1, 2, 3])
      expect(await codeOf(Promise.resolve(dataset.images([i])))).toBe('DS_BAD_IMAGE');
    await rm(join(dir, 'a/1.jpg'));
    expect(await codeOf(Promise.resolve(dataset.images([0])))).toBe('DS_NOT_FOUND');
  });

  it('is refused without classes, without images, with other files among them, or with sizes that make no sense', async () => {
    const image = await png(raw(4, 4, 3));
    expect(await codeOf(openImageFolder(join(root, 'nowhere')))).toBe('DS_NOT_FOUND');
    expect(await codeOf(openImageFolder(await folder('flat', { 'a.png': image })))).toBe('DS_NOT_FOUND');
    expect(await codeOf(openImageFolder(await folder('empty', { 'a/.keep': '' })))).toBe('DS_NOT_FOUND');
    const mixed = await folder('mixed', { 'a/1.png': image, 'a/readme.txt': '' });
    await expect(openImageFolder(mixed)).rejects.toThrow(/readme\.txt lies among the images/);
    const good = await folder('good', { 'a/1.png': image });
    expect(await codeOf(openImageFolder(good, { size: 0 }))).toBe('DS_BAD_OPTION');
    expect(await codeOf(openImageFolder(good, { size: 4, cropPct: 1.1 }))).toBe('DS_BAD_OPTION');
  });
});

describe('a list of images in one file', () => {
  const list = async (name: string, change: object = {}) => {
    const [first, second] = [await png(raw(4, 2, 3, 1)), await png(raw(4, 2, 3, 2))];
    const images = [
      [0, first.length, 1, 'first.png'],
      [first.length, second.length, 0, 'second.png'],
    ];
    return folder(name, {
      'all.bin': Buffer.concat([first, second]),
      'all.json': JSON.stringify({ size: [2, 4], class_names: ['a', 'b'], images, ...change }),
    });
  };

  it('is opened by its folder or its JSON file, and decoded when asked', async () => {
    const dir = await list('list');
    for (const path of [dir, join(dir, 'all.json')]) {
      const dataset = await openImageList(path);
      expect(dataset).toMatchObject({ name: 'all', length: 2, height: 2, width: 4, classNames: ['a', 'b'] });
      expect([...dataset.labels]).toEqual([1, 0]);
      expect(await dataset.images([1, 0, 1])).toEqual(
        Uint8Array.of(...raw(4, 2, 3, 2).data, ...raw(4, 2, 3, 1).data, ...raw(4, 2, 3, 2).data),
      );
    }
  });

  it('is refused when a file is missing or the folder does not say which', async () => {
    const dir = await list('two');
    await folder('two', { 'more.json': '{}', 'more.bin': '' });
    await expect(openImageList(dir)).rejects.toThrow('two holds all.json, more.json; give the path');
    expect(await codeOf(openImageList(await folder('none', { 'a.json': '{}' })))).toBe('DS_NOT_FOUND');
    expect(await codeOf(openImageList(join(root, 'none', 'a.json')))).toBe('DS_BAD_DATA');
    expect(await codeOf(openImageList(join(root, 'nowhere')))).toBe('DS_NOT_FOUND');
    expect(await codeOf(openImageList(join(root, 'nowhere.json')))).toBe('DS_NOT_FOUND');
    await rm(join(dir, 'all.bin'));
    expect(await codeOf(openImageList(join(dir, 'all.json')))).toBe('DS_NOT_FOUND');
  });

  it.each([
    ['size', { size: [2] }],
    ['size of zero', { size: [0, 4] }],
    ['class names', { class_names: [1] }],
    ['images', { images: {} }],
    ['an entry', { images: [[0, 5, 0]] }],
    ['a negative offset', { images: [[-1, 5, 0, 'x']] }],
    ['an end behind the file', { images: [[0, 1e9, 0, 'x']] }],
    ['a sum beyond all integers', { images: [[2 ** 53 - 1, 2 ** 53 - 1, 0, 'x']] }],
  ])('is refused with a wrong %s', async (_what, change) => {
    expect(await codeOf(openImageList(await list('wrong', change)))).toBe('DS_BAD_DATA');
  });

  it('is refused when it is no JSON object, or has a label without a class', async () => {
    for (const text of ['', '[', 'null', '"x"']) {
      const dir = await folder('text', { 'x.json': text, 'x.bin': '' });
      expect(await codeOf(openImageList(dir)), text).toBe('DS_BAD_DATA');
    }
    expect(await codeOf(openImageList(await list('label', { class_names: ['a'] })))).toBe('DS_BAD_LABEL');
  });

  it('names the image whose size is not what the list says', async () => {
    const dataset = await openImageList(await list('size', { size: [4, 2] }));
    await expect(dataset.images([1])).rejects.toThrow(
      /all\.bin: image 1 \(second\.png\) has 2 x 4 pixels, but the list says 4 x 2/,
    );
  });

  it('that is cut off after it was opened is refused by the image that has become shorter', async () => {
    const dir = await list('cut');
    const dataset = await openImageList(dir);
    const { size } = await stat(join(dir, 'all.bin'));
    await truncate(join(dir, 'all.bin'), size - 1);
    expect(await dataset.images([0])).toHaveLength(24);
    const cut = Promise.resolve(dataset.images([1]));
    await expect(cut).rejects.toThrow(/all\.bin: image 1 \(second\.png\) ends after \d+ of its \d+ bytes/);
    expect(await codeOf(cut)).toBe('DS_BAD_DATA');
  });
});
