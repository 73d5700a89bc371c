import type { ImageDataset } from '../dataset.ts';
import { type IdxOptions, idxFromBytes } from '../idx.ts';
import { readWhole } from './read.ts';

/**
 * MNIST-like data from a pair of IDX files, each plain or gzipped.
 *
 * @throws {DatasetError} `DS_NOT_FOUND` for a missing file, and what `idxFromBytes` throws.
 */
export async function openIdx(
  imagesPath: string,
  labelsPath: string,
  options?: IdxOptions,
): Promise<ImageDataset> {
  const [images, labels] = await Promise.all([
    readWhole(imagesPath, 'give the path of the images, e.g. t10k-images-idx3-ubyte.gz'),
    readWhole(labelsPath, 'give the path of the labels, e.g. t10k-labels-idx1-ubyte.gz'),
  ]);
  return idxFromBytes(images, labels, options);
}
