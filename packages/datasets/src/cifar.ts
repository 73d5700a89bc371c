import { cifar10ClassNames, cifar100ClassNames, cifar100CoarseClassNames } from './class-names.ts';
import type { ImageDataset } from './dataset.ts';
import { DatasetError } from './errors.ts';
import { memoryDataset } from './memory.ts';

const side = 32;
const pixels = side * side;

/**
 * CIFAR-10 from its binary batches: records of 1 label byte and 3 planes (R, G, B) of 32 x 32, row by row.
 *
 * @throws {DatasetError} `DS_BAD_DATA` for a batch that is no whole number of records, `DS_BAD_LABEL` for a label above 9.
 */
export function cifar10FromBytes(batches: readonly Uint8Array[], name = 'cifar10'): ImageDataset {
  return fromRecords(batches, { name, labelBytes: 1, labelAt: 0, classNames: cifar10ClassNames });
}

export interface Cifar100Options {
  readonly name?: string;
  /** The 100 fine classes (default) or the 20 coarse ones. */
  readonly labels?: 'fine' | 'coarse';
}

/**
 * CIFAR-100 from its binary files: records of a coarse and a fine label byte and 3 planes of 32 x 32.
 *
 * @throws {DatasetError} `DS_BAD_DATA` for a file that is no whole number of records, `DS_BAD_LABEL` for a label too large.
 */
export function cifar100FromBytes(
  files: readonly Uint8Array[],
  { name = 'cifar100', labels = 'fine' }: Cifar100Options = {},
): ImageDataset {
  const kind =
    labels === 'fine'
      ? { labelAt: 1, classNames: cifar100ClassNames }
      : { labelAt: 0, classNames: cifar100CoarseClassNames };
  return fromRecords(files, { name, labelBytes: 2, ...kind });
}

interface RecordForm {
  readonly name: string;
  readonly labelBytes: number;
  readonly labelAt: number;
  readonly classNames: readonly string[];
}

function fromRecords(files: readonly Uint8Array[], form: RecordForm): ImageDataset {
  const { name, labelBytes, labelAt, classNames } = form;
  const recordBytes = labelBytes + 3 * pixels;
  for (const [i, file] of files.entries()) {
    if (file.length === 0 || file.length % recordBytes !== 0) {
      throw new DatasetError(
        'DS_BAD_DATA',
        `${name}: file ${i} has ${file.length} bytes, which is no whole number of ${recordBytes}-byte records; it may be cut off or of another data set.`,
      );
    }
  }
  const length = files.reduce((sum, file) => sum + file.length / recordBytes, 0);
  const images = new Uint8Array(length * 3 * pixels);
  const labels = new Int32Array(length);
  let n = 0;
  for (const file of files) {
    for (let at = 0; at < file.length; at += recordBytes, n++) {
      labels[n] = file[at + labelAt]!;
      interleave(file, at + labelBytes, images, n * 3 * pixels);
    }
  }
  return memoryDataset({ name, height: side, width: side, channels: 3, classNames, images, labels });
}

/** Three planes at `from` to RGB triples at `to`. */
function interleave(planes: Uint8Array, from: number, out: Uint8Array, to: number): void {
  for (let p = 0; p < pixels; p++) {
    out[to + 3 * p] = planes[from + p]!;
    out[to + 3 * p + 1] = planes[from + pixels + p]!;
    out[to + 3 * p + 2] = planes[from + 2 * pixels + p]!;
  }
}
