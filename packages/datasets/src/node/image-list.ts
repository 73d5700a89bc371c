import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ImageDataset } from '../dataset.ts';
import { DatasetError } from '../errors.ts';
import { checkIndices } from '../indices.ts';
import { checkedLabels } from '../memory.ts';
import { readImages } from '../read-images.ts';
import { imageDecoder } from './decode.ts';
import { isMissing, notFound, readWhole } from './read.ts';

/**
 * Images of one size that lie one after another in `NAME.bin`, listed in `NAME.json`, decoded when asked for.
 *
 * The JSON has `size` [height, width], `class_names`, and `images`: [offset, length, label, original name] of each.
 *
 * @param path the JSON file, or the folder when it holds just one pair.
 * @throws {DatasetError} `DS_NOT_FOUND` for a missing file or a folder with no or several pairs, `DS_BAD_DATA` for a list that
 * is not of this form or points outside the `.bin`, `DS_BAD_LABEL`, `DS_NO_SHARP`; reading throws `DS_BAD_IMAGE`, and
 * `DS_BAD_DATA` when the `.bin` has become shorter.
 */
export async function openImageList(path: string): Promise<ImageDataset> {
  const listPath = path.endsWith('.json') ? path : await onlyList(path);
  const binPath = listPath.replace(/\.json$/, '.bin');
  const list = parseList(await readWhole(listPath, 'give the path of a list of images'), listPath);
  const { size } = await stat(binPath).catch((error: unknown) => {
    throw isMissing(error) ? notFound(binPath, `it holds the images of ${listPath}`, error) : error;
  });
  for (const [i, { offset, bytes, name }] of list.images.entries()) {
    if (offset + bytes > size) {
      throw new DatasetError(
        'DS_BAD_DATA',
        `${listPath}: image ${i} (${name}) ends at byte ${offset + bytes}, but ${binPath} has ${size}; one of them is cut off.`,
      );
    }
  }
  const decode = await imageDecoder();
  const { height, width, classNames, images } = list;
  return {
    name: basename(listPath, '.json'),
    length: images.length,
    height,
    width,
    channels: 3,
    classNames,
    labels: list.labels,
    async images(indices) {
      checkIndices(indices, images.length, listPath);
      const bin = await open(binPath);
      try {
        return await readImages(indices.length, height * width * 3, async (i) => {
          const { offset, bytes, name } = images[indices[i]!]!;
          const what = `${binPath}: image ${indices[i]} (${name})`;
          const file = await readAt(bin, offset, bytes, what);
          const pixels = await decode(file, what);
          if (pixels.height !== height || pixels.width !== width) {
            throw new DatasetError(
              'DS_BAD_IMAGE',
              `${what} has ${pixels.height} x ${pixels.width} pixels, but the list says ${height} x ${width}.`,
            );
          }
          return pixels.data;
        });
      } finally {
        await bin.close();
      }
    },
  };
}

/** Exactly these bytes; one read may give fewer than asked for. */
async function readAt(file: FileHandle, offset: number, bytes: number, what: string): Promise<Uint8Array> {
  const all = new Uint8Array(bytes);
  for (let at = 0; at < bytes; ) {
    const { bytesRead } = await file.read(all, at, bytes - at, offset + at);
    if (bytesRead === 0) {
      throw new DatasetError(
        'DS_BAD_DATA',
        `${what} ends after ${at} of its ${bytes} bytes; the file has become shorter since it was opened.`,
      );
    }
    at += bytesRead;
  }
  return all;
}

async function onlyList(folder: string): Promise<string> {
  const files = await readdir(folder).catch((error: unknown) => {
    throw isMissing(error) ? notFound(folder, 'give a folder or a .json file', error) : error;
  });
  const lists = files.filter(
    (file) => file.endsWith('.json') && files.includes(file.replace(/\.json$/, '.bin')),
  );
  if (lists.length !== 1) {
    const found = lists.length === 0 ? 'no NAME.json with a NAME.bin beside it' : lists.sort().join(', ');
    throw new DatasetError(
      'DS_NOT_FOUND',
      `${folder} holds ${found}; give the path of the one .json to open.`,
    );
  }
  return join(folder, lists[0]!);
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
const isText = (value: unknown): value is string => typeof value === 'string';
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function parseList(file: Uint8Array, path: string) {
  const refuse = (why: string): never => {
    throw new DatasetError(
      'DS_BAD_DATA',
      `${path}: ${why}; it should list images as openImageList describes.`,
    );
  };
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(file));
  } catch (error) {
    return refuse(`no JSON (${String(error)})`);
  }
  if (!isRecord(json)) return refuse('no JSON object');
  const { size, class_names: classNames, images } = json;
  if (!Array.isArray(size) || size.length !== 2 || !size.every((side) => isCount(side) && side > 0)) {
    return refuse(`size is ${JSON.stringify(size)}, not [height, width]`);
  }
  if (!Array.isArray(classNames) || !classNames.every(isText))
    return refuse('class_names is no list of names');
  if (!Array.isArray(images)) return refuse('images is no list');
  const entries = images.map((entry: unknown, i) => {
    const [offset, bytes, label, name] = Array.isArray(entry) ? (entry as unknown[]) : [];
    if (!isCount(offset) || !isCount(bytes) || !isCount(label) || !isText(name)) {
      return refuse(`image ${i} is ${JSON.stringify(entry)}, not [offset, length, label, name]`);
    }
    return { offset, bytes, label, name };
  });
  const labels = checkedLabels(
    entries.map(({ label }) => label),
    classNames.length,
    path,
  );
  const [height, width] = size as [number, number];
  return { height, width, classNames, labels, images: entries };
}
