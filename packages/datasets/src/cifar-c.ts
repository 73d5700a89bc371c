import { parseNpy, toFloat64 } from '@proj/tensor-io';
import { cifar10ClassNames } from './class-names.ts';
import type { ImageDataset } from './dataset.ts';
import { DatasetError } from './errors.ts';
import { memoryDataset } from './memory.ts';

export interface CifarCOptions {
  /** Which fifth of the rows. */
  readonly severity: 1 | 2 | 3 | 4 | 5;
  readonly name?: string;
  /** Unless given: CIFAR-10's for RGB images of 32 x 32 whose labels are all below 10, else '0', '1', ... up to the largest label. */
  readonly classNames?: readonly string[] | undefined;
}

/**
 * One severity of a corruption in CIFAR-10-C's form: npy files of uint8 images [5 n, height, width, 3] (or grey, [..., 1])
 * and integer labels [5 n], severity by severity, so that severity s is the rows (s - 1) n to s n - 1.
 *
 * @throws {DatasetError} `DS_BAD_OPTION` for another severity, `DS_BAD_DATA` for arrays of another form, `DS_BAD_LABEL`;
 * `TensorIoError` for a damaged npy file.
 */
export function cifarCFromNpy(
  imageFile: Uint8Array,
  labelFile: Uint8Array,
  { severity, name = 'cifar10-c', classNames }: CifarCOptions,
): ImageDataset {
  if (![1, 2, 3, 4, 5].includes(severity)) {
    throw new DatasetError(
      'DS_BAD_OPTION',
      `${name}: severity must be 1, 2, 3, 4 or 5, got ${String(severity)}.`,
    );
  }
  const images = parseNpy(imageFile, `${name}: the images`);
  const labels = parseNpy(labelFile, `${name}: the labels`);
  const [rows, height, width, channels] = images.shape as [number, number, number, number];
  if (
    images.dtype !== 'U8' ||
    images.shape.length !== 4 ||
    (channels !== 1 && channels !== 3) ||
    rows % 5 !== 0
  ) {
    throw new DatasetError(
      'DS_BAD_DATA',
      `${name}: the images are ${images.dtype} [${images.shape.join(', ')}]; they must be U8 [5 n, height, width, 3] or [5 n, height, width, 1].`,
    );
  }
  if (
    !['U8', 'I8', 'I16', 'I32', 'I64'].includes(labels.dtype) ||
    labels.shape.length !== 1 ||
    labels.shape[0] !== rows
  ) {
    throw new DatasetError(
      'DS_BAD_DATA',
      `${name}: the labels are ${labels.dtype} [${labels.shape.join(', ')}]; they must be integers [${rows}], one an image.`,
    );
  }
  const count = rows / 5;
  const first = (severity - 1) * count;
  const imageBytes = height * width * channels;
  const allLabels = toFloat64(labels);
  const isCifar = height === 32 && width === 32 && channels === 3;
  return memoryDataset({
    name: `${name}-${severity}`,
    height,
    width,
    channels,
    classNames: classNames ?? defaultNames(allLabels, isCifar),
    // A copy, so that the other severities can be freed.
    images: new Uint8Array(images.bytes.subarray(first * imageBytes, (first + count) * imageBytes)),
    labels: allLabels.subarray(first, first + count),
  });
}

/** Far more classes than any data set has; a larger label is damage. */
const maxClasses = 65_536;

/** Names by all severities' labels, so that each severity has the same. */
function defaultNames(labels: Float64Array, isCifar: boolean): readonly string[] {
  const largest = labels.reduce((most, label) => Math.max(most, label), -1);
  if (isCifar && largest < cifar10ClassNames.length) return cifar10ClassNames;
  return Array.from({ length: Math.min(largest + 1, maxClasses) }, (_, label) => String(label));
}
