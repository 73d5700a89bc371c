import { TensorIoError } from './errors.ts';
import { type ByteSource, bytesSource } from './source.ts';

/** What the first request asks for: most headers lie within, so that opening takes one round trip. */
const FIRST_BYTES = 65_536;

/**
 * A file on a web server, read by ranged requests. A server that ignores ranges and answers 200 sends the whole file, which
 * is then kept in memory.
 *
 * @throws {TensorIoError} `TIO_HTTP` when the server refuses, answers with another range than asked for, hides
 * `Content-Range` from other origins, or the file changes while it is read.
 */
export async function urlSource(url: URL): Promise<ByteSource> {
  const first = await request(url, 0, FIRST_BYTES);
  if (first.status === 200) return bytesSource(await body(first, url));
  const size = await checkRange(first, url, 0);
  const etag = first.headers.get('etag');
  const start = await body(first, url);

  return {
    size,
    async read(offset, length) {
      if (offset + length <= start.length) return start.slice(offset, offset + length);
      if (length === 0) return new Uint8Array();
      const response = await request(url, offset, length);
      if ((await checkRange(response, url, offset)) !== size || response.headers.get('etag') !== etag) {
        throw await problem(url, 'the file changed while it was read; open it again', response);
      }
      return body(response, url);
    },
  };
}

async function request(url: URL, offset: number, length: number): Promise<Response> {
  try {
    return await fetch(url, { headers: { Range: `bytes=${offset}-${offset + length - 1}` } });
  } catch (cause) {
    throw new TensorIoError('TIO_HTTP', `${url.href}: cannot be reached.`, { cause });
  }
}

async function body(response: Response, url: URL): Promise<Uint8Array> {
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    throw new TensorIoError('TIO_HTTP', `${url.href}: the connection broke.`, { cause });
  }
}

/** An error about an answer, whose body is given up. */
async function problem(url: URL, reason: string, response: Response): Promise<TensorIoError> {
  await response.body?.cancel();
  return new TensorIoError('TIO_HTTP', `${url.href}: ${reason}.`);
}

/** Size of the whole file, from an answer that must carry the range asked for. */
async function checkRange(response: Response, url: URL, offset: number): Promise<number> {
  const range = response.headers.get('content-range');
  // An empty file has no range at all.
  if (response.status === 416 && range === 'bytes */0') return 0;
  if (response.status !== 206)
    throw await problem(url, `answered ${response.status} to a ranged request`, response);
  if (range === null) {
    const hint = 'another origin must list it in Access-Control-Expose-Headers';
    throw await problem(url, `sends no readable Content-Range; ${hint}`, response);
  }
  const [, start, size] = /^bytes (\d+)-\d+\/(\d+)$/.exec(range) ?? [];
  if (size === undefined || Number(start) !== offset) {
    throw await problem(url, `sent the range ${range}, asked from ${offset}`, response);
  }
  return Number(size);
}
