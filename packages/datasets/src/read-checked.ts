import type { ImageDataset } from './dataset.ts';
import { DatasetError } from './errors.ts';

/** The images with these indices. @throws {DatasetError} `DS_BAD_DATA` when the data set gives another number of bytes. */
export async function readChecked(dataset: ImageDataset, indices: ArrayLike<number>): Promise<Uint8Array> {
  const { name, height, width, channels } = dataset;
  const images = await dataset.images(indices);
  const expected = indices.length * height * width * channels;
  if (images.length !== expected) {
    throw new DatasetError(
      'DS_BAD_DATA',
      `${name}: ${indices.length} images of ${height} x ${width} x ${channels} have ${expected} bytes, but it gave ${images.length}.`,
    );
  }
  return images;
}
