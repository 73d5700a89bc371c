import { open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { DatasetError } from '../errors.ts';

export interface DownloadOptions {
  readonly url: string;
  /** The file to fill; beside it, `<path>.json` says what it is a part of. */
  readonly path: string;
  /** No archive may be larger. */
  readonly maxBytes: number;
  readonly fetch: typeof globalThis.fetch;
  readonly signal: AbortSignal | undefined;
}

/** `received` bytes of `total` (if the server said) lie on disk, `resumedFrom` of them since before this attempt. */
export interface DownloadProgress {
  readonly received: number;
  readonly total: number | undefined;
  readonly resumedFrom: number;
}

/** What a partial file is a part of. */
interface Note {
  readonly url: string;
  /** A strong ETag, else the date of the last change: what a server compares before it sends the rest. */
  readonly validator: string | null;
  readonly total: number | null;
}

interface PartialFile extends Note {
  /** How much is here. */
  readonly bytes: number;
}

/** An attempt that may go better when repeated. */
class BrokenTransfer extends DatasetError {}

const attempts = 3;

/**
 * Brings a file here, going on from what an earlier call left when the server still has the same file.
 *
 * A transfer that breaks is taken up again, up to three attempts; what came stays on disk for the next call.
 *
 * @throws {DatasetError} `DS_TRANSFER`; the signal's reason when aborted.
 */
export async function* download(options: DownloadOptions): AsyncGenerator<DownloadProgress, void, undefined> {
  for (let attempt = 1; ; attempt++) {
    try {
      return yield* transfer(options);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!(error instanceof BrokenTransfer) || attempt === attempts) throw error;
    }
  }
}

/** Forgets a download, whole or partial. */
export async function discard(path: string): Promise<void> {
  await rm(path, { force: true });
  await rm(notePath(path), { force: true });
}

const notePath = (path: string) => `${path}.json`;

async function* transfer(options: DownloadOptions): AsyncGenerator<DownloadProgress, void, undefined> {
  const { url, path, maxBytes, signal } = options;
  const partial = await partialFile(path, url);
  if (partial !== undefined && partial.bytes === partial.total) {
    yield { received: partial.bytes, total: partial.bytes, resumedFrom: partial.bytes };
    return;
  }
  const response = await request(options, partial);
  const resumedFrom = response.status === 206 ? partial!.bytes : 0;
  const total = totalBytes(response);
  if (response.status === 206) {
    await checkContinues(response, partial!, options);
  }
  const note: Note = { url, validator: validatorOf(response), total: total ?? null };
  await writeFile(notePath(path), JSON.stringify(note));
  const file = await open(path, resumedFrom > 0 ? 'a' : 'w');
  let received = resumedFrom;
  try {
    yield { received, total, resumedFrom };
    for await (const chunk of bodyOf(response, url)) {
      received += chunk.length;
      if (received > Math.min(total ?? maxBytes, maxBytes)) {
        await discard(path);
        throw new DatasetError(
          'DS_TRANSFER',
          `${url} sends more than ${total ?? maxBytes} bytes; that is not the archive.`,
        );
      }
      await file.appendFile(chunk);
      yield { received, total, resumedFrom };
    }
  } finally {
    await file.close();
  }
  signal?.throwIfAborted();
  if (total !== undefined && received !== total) {
    throw new BrokenTransfer('DS_TRANSFER', `${url} ended after ${received} of ${total} bytes.`);
  }
  await writeFile(notePath(path), JSON.stringify({ ...note, total: received }));
}

/** Some servers send a range whatever they were asked for, or of a file that has changed since. */
async function checkContinues(
  response: Response,
  partial: PartialFile,
  { url, path }: DownloadOptions,
): Promise<void> {
  const range = response.headers.get('content-range');
  const start = Number(/^bytes (\d+)-/.exec(range ?? '')?.[1]);
  const validator = validatorOf(response);
  const sameFile =
    (partial.total === null || partial.total === totalBytes(response)) &&
    (partial.validator === null || validator === null || partial.validator === validator);
  if (start === partial.bytes && sameFile) return;
  await response.body?.cancel();
  await discard(path);
  throw new BrokenTransfer(
    'DS_TRANSFER',
    `${url} sent range ${range} of ${validator}, not the rest of ${partial.validator} from byte ${partial.bytes}.`,
  );
}

/** A 200, or a 206 when there is a part to go on from. */
async function request(
  { url, path, fetch, signal }: DownloadOptions,
  partial: PartialFile | undefined,
): Promise<Response> {
  const headers = new Headers({ 'accept-encoding': 'identity' });
  if (partial !== undefined && partial.bytes > 0) {
    headers.set('range', `bytes=${partial.bytes}-`);
    if (partial.validator !== null) headers.set('if-range', partial.validator);
  }
  let response: Response;
  try {
    response = await fetch(url, { headers, ...(signal && { signal }) });
  } catch (error) {
    signal?.throwIfAborted();
    throw new DatasetError('DS_TRANSFER', `${url} cannot be reached (${reasonOf(error)}).`, { cause: error });
  }
  if (response.status === 200 || (response.status === 206 && headers.has('range'))) return response;
  await response.body?.cancel();
  if (response.status === 416) {
    await discard(path);
    throw new BrokenTransfer('DS_TRANSFER', `${url} is shorter than the part that is here; starting over.`);
  }
  throw new DatasetError('DS_TRANSFER', `${url} answered ${response.status} ${response.statusText}`.trim());
}

async function* bodyOf(response: Response, url: string): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (error) {
    throw new BrokenTransfer('DS_TRANSFER', `${url} broke off (${reasonOf(error)}).`, { cause: error });
  } finally {
    await reader.cancel().catch(() => {}); // A stream that broke has said so above.
  }
}

/** fetch hides why it failed in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

/** Unknown for a body that was compressed on the way: its length is not the file's. */
function totalBytes({ status, headers }: Response): number | undefined {
  if (headers.has('content-encoding') && headers.get('content-encoding') !== 'identity') return undefined;
  const text = status === 206 ? headers.get('content-range')?.split('/')[1] : headers.get('content-length');
  return text != null && /^\d+$/.test(text) ? Number(text) : undefined;
}

function validatorOf({ headers }: Response): string | null {
  const etag = headers.get('etag');
  return etag?.startsWith('"') ? etag : headers.get('last-modified');
}

/** What an earlier call left of this very address. Without validator and length nothing could be checked: then nothing. */
async function partialFile(path: string, url: string): Promise<PartialFile | undefined> {
  try {
    const note = JSON.parse(await readFile(notePath(path), 'utf8')) as Note;
    const { size } = await stat(path);
    const usable = note.url === url && (note.total === null ? note.validator !== null : size <= note.total);
    return usable ? { ...note, bytes: size } : undefined;
  } catch {
    return undefined; // No part, no note, or a note cut off by a crash: start over.
  }
}
