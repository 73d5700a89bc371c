import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join, relative, sep } from 'node:path';
import type { ImageDataset } from '../dataset.ts';
import { DatasetError } from '../errors.ts';
import { checkCount, checkIndices } from '../indices.ts';
import { readImages } from '../read-images.ts';
import { type Pixels, resizeAndCrop } from '../resize.ts';
import { type Decode, imageDecoder } from './decode.ts';
import { isMissing, notFound, readWhole } from './read.ts';

export interface ImageFolderOptions {
  /** Height and width of every image after bicubic resizing and a centre crop. Without it, all images must have one size. */
  readonly size?: number;
  /** timm's `crop_pct`: the shorter side is resized to floor(size / cropPct) before the crop; 0.875 unless given. */
  readonly cropPct?: number;
}

const endings = ['.jpg', '.jpeg', '.png', '.webp'];

/**
 * torchvision's `ImageFolder`: a folder per class, classes and files sorted by name, images anywhere below; decoded when
 * asked for, as `Image.open(file).convert('RGB')` does (grey expanded, alpha dropped, EXIF orientation not applied). With `size`
 * every image is resized and its centre cropped, but a random resized crop is cut from the whole image.
 *
 * Names that start with a dot are passed over; any other file in a class folder must be a JPEG, PNG or WebP.
 *
 * @throws {DatasetError} `DS_NOT_FOUND` for no folder, no class or a class without images, `DS_BAD_DATA` for a file that is
 * no image, `DS_BAD_OPTION`, `DS_NO_SHARP`; reading throws `DS_BAD_IMAGE` with the file's name.
 */
export async function openImageFolder(
  dir: string,
  { size, cropPct = 0.875 }: ImageFolderOptions = {},
): Promise<ImageDataset> {
  if (size !== undefined) checkCount(size, 1, 'size');
  if (!(cropPct > 0 && cropPct <= 1)) {
    throw new DatasetError('DS_BAD_OPTION', `cropPct must be above 0 and at most 1, got ${cropPct}.`);
  }
  const { classNames, paths, labels } = await listFolder(dir);
  const decode = await imageDecoder();
  const load = (path: string): Promise<Pixels> => loadImage(path, decode, size, cropPct);
  const { height, width } = size === undefined ? await load(paths[0]!) : { height: size, width: size };
  return {
    name: basename(dir),
    length: paths.length,
    height,
    width,
    channels: 3,
    classNames,
    labels,
    images(indices) {
      checkIndices(indices, paths.length, dir);
      return readImages(indices.length, height * width * 3, async (i) => {
        const path = paths[indices[i]!]!;
        const pixels = await load(path);
        if (pixels.height !== height || pixels.width !== width) {
          throw new DatasetError(
            'DS_BAD_IMAGE',
            `${path} has ${pixels.height} x ${pixels.width} pixels, the first image ${height} x ${width}; pass size to resize and crop all.`,
          );
        }
        return pixels.data;
      });
    },
    ...(size !== undefined && {
      async original(index) {
        checkIndices([index], paths.length, dir);
        return loadImage(paths[index]!, decode, undefined, cropPct);
      },
    }),
  };
}

async function loadImage(
  path: string,
  decode: Decode,
  size: number | undefined,
  cropPct: number,
): Promise<Pixels> {
  const pixels = await decode(await readWhole(path, 'it was there when the folder was opened'), path);
  return size === undefined
    ? pixels
    : resizeAndCrop(pixels, { shorterSide: Math.floor(size / cropPct), size });
}

async function listFolder(dir: string) {
  const names = await visible(dir).catch((error: unknown) => {
    throw isMissing(error) ? notFound(dir, 'give a folder with a folder per class', error) : error;
  });
  const classNames: string[] = [];
  const paths: string[] = [];
  const labels: number[] = [];
  for (const name of names) {
    const folder = join(dir, name);
    if (!(await stat(folder)).isDirectory()) continue; // Beside the classes, ImageFolder allows any file.
    const files = await imagesBelow(folder);
    if (files.length === 0) throw notFound(join(folder, '*'), 'a class folder needs at least one image');
    for (const file of files) {
      paths.push(file);
      labels.push(classNames.length);
    }
    classNames.push(name);
  }
  if (classNames.length === 0) throw notFound(join(dir, '*', '*'), 'give a folder with a folder per class');
  return { classNames, paths, labels: Int32Array.from(labels) };
}

/** All images below a class folder: folder by folder in order of their paths, in each by name. */
async function imagesBelow(classFolder: string): Promise<string[]> {
  const folders: { key: string; files: string[] }[] = [];
  const walk = async (folder: string): Promise<void> => {
    const files: string[] = [];
    for (const name of await visible(folder)) {
      const path = join(folder, name);
      if ((await stat(path)).isDirectory()) await walk(path);
      else if (endings.includes(extname(name).toLowerCase())) files.push(path);
      else {
        throw new DatasetError(
          'DS_BAD_DATA',
          `${path} lies among the images but is no ${endings.join(', ')}; convert it or move it away.`,
        );
      }
    }
    folders.push({ key: relative(classFolder, folder).split(sep).join('/'), files });
  };
  await walk(classFolder);
  return folders.sort((a, b) => (a.key < b.key ? -1 : 1)).flatMap(({ files }) => files);
}

const visible = async (folder: string) =>
  (await readdir(folder)).filter((name) => !name.startsWith('.')).sort();
