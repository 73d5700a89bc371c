import { TensorIoError } from './errors.ts';
import { type ByteSource, bytesSource, MAX_ARRAY_BYTES } from './source.ts';

/** What the first request asks for: most headers lie within, so that opening takes one round trip. */
const FIRST_BYTES = 65_536;

/**
 * A file on a web server, read by ranged requests. A server that ignores ranges and answers 200 sends the whole file, which
 * is then kept in memory.
 *
 * Every answer must carry the size, ETag and Last-Modified of the first. A server that sends neither of the two, or hides
 * them from other origins (ETag, unless exposed), leaves only the size to compare: a file that is replaced by one of equal
 * size between two reads is then not noticed.
 *
 * @throws {TensorIoError} `TIO_HTTP` when the server refuses, answers with another range than asked for, hides
 * `Content-Range` from other origins, sends more than asked for, or the file changes while it is read; reading throws
 * `TIO_TOO_LARGE` above 4 GiB.
 */
export async function urlSource(url: URL): Promise<ByteSource> {
  const first = await request(url, 0, FIRST_BYTES);
  if (first.status === 200) return bytesSource(await wholeBody(first, url));
  const size = await checkRange(first, url, 0);
  const version = versionOf(first);
  const start = await body(first, url, FIRST_BYTES);

  return {
    size,
    async read(offset, length) {
      if (offset + length <= start.length) return start.slice(offset, offset + length);
      if (length === 0) return new Uint8Array();
      const response = await request(url, offset, length);
      if ((await checkRange(response, url, offset)) !== size || versionOf(response) !== version) {
        throw await problem(url, 'the file changed while it was read; open it again', response);
      }
      return body(response, url, length);
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

/** What tells two versions of a file apart, as far as the server says it. */
function versionOf({ headers }: Response): string {
  return JSON.stringify([headers.get('etag'), headers.get('last-modified')]);
}

function wholeBody(response: Response, url: URL): Promise<Uint8Array> {
  return unbroken(
    response.arrayBuffer().then((buffer) => new Uint8Array(buffer)),
    url,
  );
}

/** A body of at most `limit` bytes; whatever the server claims, reading stops at the first chunk too many. */
async function body(response: Response, url: URL, limit: number): Promise<Uint8Array> {
  if (limit > MAX_ARRAY_BYTES) {
    await response.body?.cancel();
    throw new TensorIoError('TIO_TOO_LARGE', `${url.href}: ${limit} bytes do not fit into one array.`);
  }
  const bytes = new Uint8Array(limit);
  let length = 0;
  // Only answers such as 204 have no body.
  const reader = response.body!.getReader();
  for (;;) {
    const { value } = await unbroken(reader.read(), url);
    if (value === undefined) return bytes.subarray(0, length);
    if (length + value.length > limit) {
      await reader.cancel();
      throw new TensorIoError('TIO_HTTP', `${url.href}: sent more than the ${limit} bytes asked for.`);
    }
    bytes.set(value, length);
    length += value.length;
  }
}

async function unbroken<T>(received: Promise<T>, url: URL): Promise<T> {
  try {
    return await received;
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
