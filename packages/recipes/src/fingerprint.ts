import type { ImageDataset } from '@proj/datasets';
import { sha256 } from '@proj/tensor-io';

/** What tells one data set from another of the same name and length. */
export interface DatasetFingerprint {
  /** SHA-256 of class names and labels. */
  readonly labelsSha256: string;
  /** SHA-256 of the images; null where they are decoded or corrupted when asked for, since reading all of them twice costs too much. */
  readonly imagesSha256: string | null;
}

/** Bytes hashed at once. */
const chunkBytes = 1 << 24;

export async function datasetFingerprint(dataset: ImageDataset): Promise<DatasetFingerprint> {
  const { classNames, labels } = dataset;
  const labelsSha256 = await sha256Of(JSON.stringify([classNames, [...labels]]));
  const none = dataset.images([]);
  const inMemory = none instanceof Uint8Array;
  await none;
  return { labelsSha256, imagesSha256: inMemory ? await imagesSha256(dataset) : null };
}

/** The hash of the hashes of so many images each that one chunk stays small. */
async function imagesSha256(dataset: ImageDataset): Promise<string> {
  const { length, height, width, channels } = dataset;
  const images = Math.max(1, Math.floor(chunkBytes / (height * width * channels)));
  const hashes: string[] = [];
  for (let at = 0; at < length; at += images) {
    const indices = Uint32Array.from({ length: Math.min(images, length - at) }, (_, i) => at + i);
    hashes.push(await sha256(await dataset.images(indices)));
  }
  return sha256Of(hashes.join());
}

const sha256Of = (text: string): Promise<string> => sha256(new TextEncoder().encode(text));
