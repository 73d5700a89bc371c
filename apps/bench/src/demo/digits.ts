import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type ImageDataset, idxToBytes, memoryDataset } from '@proj/datasets';

const side = 28;

/** The 10,000 handwritten digits of MNIST that the `mnist` package carries, as bytes. */
export function digits(): ImageDataset {
  const require = createRequire(import.meta.url);
  const images: Uint8Array[] = [];
  const labels: number[] = [];
  for (let digit = 0; digit < 10; digit++) {
    const file = readFileSync(require.resolve(`mnist/src/digits/${digit}.json`), 'utf8');
    const { data } = JSON.parse(file) as { data: number[] };
    // Stored as byte / 255, rounded to three digits, which still tells all 256 values apart.
    images.push(Uint8Array.from(data, (value) => Math.round(value * 255)));
    for (let i = 0; i < data.length / side ** 2; i++) labels.push(digit);
  }
  return memoryDataset({
    name: 'digits',
    height: side,
    width: side,
    channels: 1,
    classNames: Array.from({ length: 10 }, (_, digit) => String(digit)),
    images: new Uint8Array(Buffer.concat(images)),
    labels,
  });
}

export interface DigitSplits {
  readonly train: ImageDataset;
  readonly validation: ImageDataset;
  readonly test: ImageDataset;
}

/** Writes a data set of grey images as MNIST's test files, so that other programs can look at the same images. */
export async function writeIdx(dataset: ImageDataset, folder: string): Promise<void> {
  const { images, labels } = await idxToBytes(dataset);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 't10k-images-idx3-ubyte'), images);
  await writeFile(join(folder, 't10k-labels-idx1-ubyte'), labels);
}
