import type { ImageDataset } from './dataset.ts';
import { DatasetError } from './errors.ts';
import { checkedLabels, memoryDataset } from './memory.ts';
import { readChecked } from './read-checked.ts';

export interface IdxOptions {
  readonly name?: string;
  /** The digits 0 to 9 unless given. */
  readonly classNames?: readonly string[];
}

/**
 * Grey images [n, height, width] and labels [n] from a pair of IDX files (MNIST's format), each plain or gzipped.
 *
 * @throws {DatasetError} `DS_BAD_DATA` when a file is not uint8 IDX of that rank, its length is not what its header says,
 * its gzip stream is damaged, or the counts differ; `DS_BAD_LABEL` for a label without a class.
 */
export async function idxFromBytes(
  imageFile: Uint8Array,
  labelFile: Uint8Array,
  { name = 'idx', classNames = [...'0123456789'] }: IdxOptions = {},
): Promise<ImageDataset> {
  const images = await readIdx(imageFile, 3, `${name}: the image file`);
  const labels = await readIdx(labelFile, 1, `${name}: the label file`);
  const [count, height, width] = images.shape as [number, number, number];
  if (count !== labels.shape[0]) {
    throw new DatasetError(
      'DS_BAD_DATA',
      `${name}: ${count} images but ${labels.shape[0]} labels; the files do not belong together.`,
    );
  }
  return memoryDataset({
    name,
    height,
    width,
    channels: 1,
    classNames,
    images: images.data,
    labels: labels.data,
  });
}

/**
 * The pair of IDX files (MNIST's format, not gzipped) that `idxFromBytes` reads: uint8 images [n, height, width], labels [n].
 *
 * @throws {DatasetError} `DS_BAD_OPTION` for images that are not grey, `DS_BAD_LABEL` for a label above 255, `DS_BAD_DATA` when
 * the data set gives another number of bytes.
 */
export async function idxToBytes(
  dataset: ImageDataset,
): Promise<{ readonly images: Uint8Array; readonly labels: Uint8Array }> {
  const { name, length, height, width, channels } = dataset;
  if (channels !== 1) {
    throw new DatasetError(
      'DS_BAD_OPTION',
      `${name}: images of ${channels} channels do not fit into IDX files; convert them to grey.`,
    );
  }
  const labels = checkedLabels(dataset.labels, 256, name);
  const images = await readChecked(
    dataset,
    Uint32Array.from({ length }, (_, i) => i),
  );
  return {
    images: idxFile([length, height, width], images),
    labels: idxFile([length], Uint8Array.from(labels)),
  };
}

function idxFile(shape: readonly number[], data: Uint8Array): Uint8Array {
  const file = new Uint8Array(byteLength(shape));
  const view = new DataView(file.buffer);
  view.setUint32(0, 0x800 + shape.length);
  for (const [d, size] of shape.entries()) view.setUint32(4 + 4 * d, size);
  file.set(data, 4 + 4 * shape.length);
  return file;
}

/** Two zero bytes, 8 for uint8, the rank; then one big-endian uint32 per dimension; then the data. */
async function readIdx(file: Uint8Array, rank: number, what: string) {
  const headerBytes = 4 + 4 * rank;
  const chunks: Uint8Array[] = [];
  let length = 0;
  let shape: number[] | undefined;
  for await (const chunk of isGzip(file) ? gunzip(file, what) : [file]) {
    chunks.push(chunk);
    length += chunk.length;
    if (shape === undefined && length >= headerBytes) shape = idxShape(join(chunks, length), rank, what);
    // Checked while inflating, so that a small file cannot unfold into more than its header promises.
    if (shape !== undefined && length > byteLength(shape)) break;
  }
  if (shape === undefined) {
    throw new DatasetError(
      'DS_BAD_DATA',
      `${what} ends inside its ${headerBytes}-byte header (${length} bytes).`,
    );
  }
  if (length !== byteLength(shape)) {
    throw new DatasetError(
      'DS_BAD_DATA',
      `${what} says ${shape.join(' x ')}, ${byteLength(shape)} bytes in all, but holds ${length > byteLength(shape) ? 'more' : length}.`,
    );
  }
  return { shape, data: join(chunks, length).subarray(headerBytes) };
}

const byteLength = (shape: readonly number[]) =>
  4 + 4 * shape.length + shape.reduce((size, dimension) => size * dimension, 1);

function idxShape(head: Uint8Array, rank: number, what: string): number[] {
  if (head[0] !== 0 || head[1] !== 0 || head[2] !== 8 || head[3] !== rank) {
    throw new DatasetError(
      'DS_BAD_DATA',
      `${what} starts with bytes ${head.subarray(0, 4).join(' ')}; IDX with uint8 data of rank ${rank} starts with 0 0 8 ${rank}.`,
    );
  }
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  return Array.from({ length: rank }, (_, d) => view.getUint32(4 + 4 * d));
}

const isGzip = (file: Uint8Array) => file[0] === 0x1f && file[1] === 0x8b;

async function* gunzip(file: Uint8Array, what: string): AsyncGenerator<Uint8Array> {
  const reader = new Blob([new Uint8Array(file)])
    .stream()
    .pipeThrough(new DecompressionStream('gzip'))
    .getReader();
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (error) {
    throw new DatasetError(
      'DS_BAD_DATA',
      `${what} is a damaged gzip file (${String(error)}); fetch it again.`,
      {
        cause: error,
      },
    );
  } finally {
    await reader.cancel().catch(() => {}); // A stream that broke has said so above.
  }
}

function join(chunks: readonly Uint8Array[], length: number): Uint8Array {
  if (chunks.length === 1) return chunks[0]!;
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
