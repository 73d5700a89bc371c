import { type ImageDataset, memoryDataset } from '@proj/datasets';
import { nextTurn } from '@proj/trainer';

export interface InMemoryOptions {
  /** When aborted, the reading ends by throwing the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called after every few images with how many have been read. */
  readonly progress?: (soFar: { readonly count: number }) => void;
}

/** Images between two turns of the event loop: the slowest corruption takes some 100 ms for one of 224 x 224. */
const imagesAtOnce = 16;

/** The data set with all its images read, for sets that are looked at many times. */
export async function inMemory(
  dataset: ImageDataset,
  { signal, progress }: InMemoryOptions = {},
): Promise<ImageDataset> {
  const { length, height, width, channels } = dataset;
  const size = height * width * channels;
  const images = new Uint8Array(length * size);
  for (let at = 0; at < length; at += imagesAtOnce) {
    const indices = range(at, Math.min(at + imagesAtOnce, length));
    images.set(await dataset.images(indices), at * size);
    progress?.({ count: at + indices.length });
    await nextTurn();
    signal?.throwIfAborted();
  }
  return memoryDataset({ ...dataset, images });
}

const range = (from: number, to: number): Uint32Array =>
  Uint32Array.from({ length: to - from }, (_, i) => from + i);
