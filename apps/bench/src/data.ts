import { existsSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';
import {
  cifar10FromBytes,
  cifar100FromBytes,
  type ImageDataset,
  memoryDataset,
  packFromBytes,
} from '@proj/datasets';
import { BenchError } from './error.ts';
import { findList, imageLists, listFingerprint } from './image-lists.ts';
import { sha256Of } from './runner/identity.ts';

/** Data that jobs can name: what it is, and how to tell one edition from another. */
interface Source {
  open(): Promise<ImageDataset>;
  fingerprint(): Promise<string>;
}

/** Where `proj data get` puts data sets. */
function cacheFolder(): string {
  const { PROJ_CACHE_DIR, XDG_CACHE_HOME } = process.env;
  return PROJ_CACHE_DIR ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'proj');
}

/** Where real data is looked for: `PROJ_DATA_DIR`, else `../shared/data` beside the repository; then what was fetched. */
const folders = (): string[] => [
  process.env['PROJ_DATA_DIR'] ?? fileURLToPath(new URL('../../../../shared/data', import.meta.url)),
  cacheFolder(),
];

/** Records of CIFAR's binary form: a whole file or a slice of one, or a lossless pack of the same. */
interface Records {
  readonly name: string;
  readonly labelBytes: 1 | 2;
  /** Folder that the archive unpacks to, and file in it. */
  readonly folder: string;
  readonly file: string;
  readonly slice?: { readonly at: number; readonly bytes: number };
  readonly pack: string;
}

/** SHA-256 of known packs to that of the records in them, so that no pack is decoded only to tell what it is. */
const recordsOfPacks: Readonly<Record<string, string>> = {
  '06d6540cdf120725028dfefc2682ba278e18d0bc578d1303c022b3a508b4dba6':
    'cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5',
  '65381b4c078cac07cbe88ef0558d28a19b458b1d902bd27d37c152ba9fa83015':
    '8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b',
  d25b193f26661e4a19befed4c01e87915a40e9b850692f962b518cca150bf01b:
    'dec9f86a9b84e30f90405464a32f9c71174dbb28f1c7e723cf62779e9e6f4843',
  '366730942507897f9e398f1aca4b4e585dcb370c1f2f10c5eb0985846804b69c':
    'd8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a',
};

const maxPackBytes = 512 * 1024 * 1024;

function find({ name, folder, file, pack }: Records): { readonly path: string; readonly packed: boolean } {
  const places = folders().flatMap((at) => [
    { path: join(at, folder, file), packed: false },
    { path: join(at, file), packed: false },
    { path: join(at, 'packs', `${pack}.med.br`), packed: true },
  ]);
  const found = places.find(({ path }) => existsSync(path));
  if (found !== undefined) return found;
  const get = name.startsWith('cifar10/')
    ? 'Fetch it with "npm run proj -- data get cifar10", or set'
    : 'Set';
  throw new BenchError(
    'BENCH_DATA_MISSING',
    `${name} is not on this machine; none of these is there: ${places.map(({ path }) => path).join(', ')}. ${get} PROJ_DATA_DIR to a folder that has one of them.`,
  );
}

async function readRecords(records: Records): Promise<Uint8Array> {
  const { path, packed } = find(records);
  if (packed) return unpack(await readFile(path), records);
  if (records.slice === undefined) return readFile(path);
  const { at, bytes } = records.slice;
  const handle = await open(path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytes), 0, bytes, at);
    if (bytesRead === bytes) return buffer;
    throw new BenchError('BENCH_DATA_MISSING', `${records.name} is not in ${path}, which is too short.`);
  } finally {
    await handle.close();
  }
}

const unpack = async (pack: Uint8Array, { labelBytes }: Records): Promise<Uint8Array> =>
  packFromBytes(await promisify(brotliDecompress)(pack, { maxOutputLength: maxPackBytes }), labelBytes);

function cifar(records: Records): Source {
  return {
    async open() {
      const bytes = await readRecords(records);
      const { name, labelBytes } = records;
      return labelBytes === 1 ? cifar10FromBytes([bytes], name) : cifar100FromBytes([bytes], { name });
    },
    async fingerprint() {
      const { path, packed } = find(records);
      if (!packed) return sha256Of(await readRecords(records));
      const pack = await readFile(path);
      return recordsOfPacks[sha256Of(pack)] ?? sha256Of(await unpack(pack, records));
    },
  };
}

const cifar10 = (batch: string): Source =>
  cifar({
    name: `cifar10/${batch}`,
    labelBytes: 1,
    folder: 'cifar-10-batches-bin',
    file: `${batch}.bin`,
    pack: `cifar10_${batch}`,
  });

const cifar100 = (part: string, file: string, slice?: Records['slice']): Source =>
  cifar({
    name: `cifar100/${part}`,
    labelBytes: 2,
    folder: 'cifar-100-binary',
    file,
    ...(slice && { slice }),
    pack: `cifar100_${part}`,
  });

/** Models of which the published weights can be data. */
const pretrained = ['deit_tiny_patch16_224'];

/** The name of a pretrained model's weights among the data. */
export const weightsOf = (model: string): string => `weights/${model}`;

/** Where a pretrained model's weights lie. @throws {BenchError} BENCH_DATA_MISSING. */
export function weightsFile(model: string): string {
  const places = folders().map((at) => join(at, model, 'model.safetensors'));
  const found = places.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new BenchError(
    'BENCH_DATA_MISSING',
    `the weights of ${model} are not on this machine; none of these is there: ${places.join(', ')}. Set PROJ_DATA_DIR to a folder that has them.`,
  );
}

const weights = (model: string): Source => ({
  async open() {
    throw new BenchError('BENCH_UNKNOWN', `${weightsOf(model)} are no images.`);
  },
  fingerprint: async () => sha256Of(await readFile(weightsFile(model))),
});

const fifth = 10_000 * 3074;

const sources: Readonly<Record<string, Source>> = {
  digits: { open: openDigits, fingerprint: async () => sha256Of((await digitFiles()).map(sha256Of).join()) },
  ...Object.fromEntries(
    [1, 2, 3, 4, 5].map((batch) => [`cifar10/data_batch_${batch}`, cifar10(`data_batch_${batch}`)]),
  ),
  'cifar10/test_batch': cifar10('test_batch'),
  ...Object.fromEntries(
    [0, 1, 2, 3, 4].map((i) => [
      `cifar100/train_${i}`,
      cifar100(`train_${i}`, 'train.bin', { at: i * fifth, bytes: fifth }),
    ]),
  ),
  'cifar100/test': cifar100('test', 'test.bin'),
  ...Object.fromEntries(
    Object.entries(imageLists).map(([name, { open }]): [string, Source] => [
      name,
      {
        open: async () => open(findList(name, folders())),
        fingerprint: async () => listFingerprint(findList(name, folders())),
      },
    ]),
  ),
  ...Object.fromEntries(pretrained.map((name): [string, Source] => [weightsOf(name), weights(name)])),
};

const side = 28;

const digitFiles = (): Promise<Buffer[]> => {
  const require = createRequire(import.meta.url);
  return Promise.all(
    Array.from({ length: 10 }, (_, digit) => readFile(require.resolve(`mnist/src/digits/${digit}.json`))),
  );
};

/** The 10,000 handwritten digits of MNIST that the `mnist` package carries, as bytes. */
async function openDigits(): Promise<ImageDataset> {
  const images: Uint8Array[] = [];
  const labels: number[] = [];
  for (const [digit, file] of (await digitFiles()).entries()) {
    const { data } = JSON.parse(file.toString()) as { data: number[] };
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

/** Names of the data that jobs can read. */
export const dataNames: readonly string[] = Object.keys(sources);

function source(name: string): Source {
  if (!Object.hasOwn(sources, name))
    throw new BenchError(
      'BENCH_UNKNOWN',
      `there is no data called "${name}"; there are ${dataNames.join(', ')}.`,
    );
  return sources[name]!;
}

/** @throws {BenchError} BENCH_UNKNOWN, BENCH_DATA_MISSING. */
export const openData = async (name: string): Promise<ImageDataset> => source(name).open();

const fingerprints = new Map<string, Promise<string>>();

/**
 * What tells one edition of the data from another: for CIFAR the SHA-256 of its binary records, whether they lie there as such or packed.
 *
 * @throws {BenchError} BENCH_UNKNOWN, BENCH_DATA_MISSING.
 */
export async function dataFingerprint(name: string): Promise<string> {
  let known = fingerprints.get(name);
  if (known === undefined) {
    known = source(name).fingerprint();
    fingerprints.set(name, known);
    // Whoever puts the data there meanwhile can ask again.
    known.catch(() => fingerprints.delete(name));
  }
  return known;
}
