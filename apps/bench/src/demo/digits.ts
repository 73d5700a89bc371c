import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { epochOrder, idxToBytes, subset } from '@proj/datasets';
import { type Design, splitsOf } from '../rws/design.ts';
import { openParts } from '../tasks/images.ts';

/** Writes the test images in a random order as MNIST's test files, so that other programs can look at the same images. */
export async function writeTestDigits(design: Design, seed: number, folder: string): Promise<void> {
  const { part, ...pool } = splitsOf(design, seed).test;
  const test = (await openParts(pool))(part);
  const { images, labels } = await idxToBytes(subset(test, epochOrder(test.length, seed, 0)));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 't10k-images-idx3-ubyte'), images);
  await writeFile(join(folder, 't10k-labels-idx1-ubyte'), labels);
}
