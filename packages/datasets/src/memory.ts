import type { ImageDataset } from './dataset.ts';
import { DatasetError } from './errors.ts';
import { checkCount, checkIndices } from './indices.ts';

export interface MemoryDatasetSpec {
  readonly name: string;
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  readonly classNames: readonly string[];
  /** uint8 [length, height, width, channels], one image after another; kept, not copied. */
  readonly images: Uint8Array;
  /** Class index of every image; copied. */
  readonly labels: ArrayLike<number>;
}

/**
 * A data set whose images lie in memory.
 *
 * @throws {DatasetError} `DS_BAD_OPTION` for sizes below 1, `DS_BAD_DATA` when the images' bytes do not fit the number of
 * labels, `DS_BAD_LABEL` for a label that is no index into `classNames`.
 */
export function memoryDataset(spec: MemoryDatasetSpec): ImageDataset {
  const { name, height, width, channels, classNames, images } = spec;
  checkCount(height, 1, `${name}: height`);
  checkCount(width, 1, `${name}: width`);
  if (channels !== 1 && channels !== 3) {
    throw new DatasetError('DS_BAD_OPTION', `${name}: channels must be 1 or 3, got ${String(channels)}.`);
  }
  const length = spec.labels.length;
  const imageBytes = height * width * channels;
  if (images.length !== length * imageBytes) {
    throw new DatasetError(
      'DS_BAD_DATA',
      `${name}: ${length} labels and images of ${height} x ${width} x ${channels} need ${length * imageBytes} bytes, got ${images.length}.`,
    );
  }
  return {
    name,
    length,
    height,
    width,
    channels,
    classNames: [...classNames],
    labels: checkedLabels(spec.labels, classNames.length, name),
    images(indices) {
      checkIndices(indices, length, name);
      const out = new Uint8Array(indices.length * imageBytes);
      for (let i = 0; i < indices.length; i++) {
        const at = indices[i]! * imageBytes;
        out.set(images.subarray(at, at + imageBytes), i * imageBytes);
      }
      return out;
    },
  };
}

/** A copy as int32. @throws {DatasetError} `DS_BAD_LABEL` for a label that is no class index. */
export function checkedLabels(labels: ArrayLike<number>, classes: number, name: string): Int32Array {
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      throw new DatasetError(
        'DS_BAD_LABEL',
        `${name}: label ${label} of image ${i} names no class; there are ${classes}, counted from 0.`,
      );
    }
  }
  return Int32Array.from(labels);
}
