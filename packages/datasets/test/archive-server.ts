import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How one address answers. */
export interface Served {
  bytes: Uint8Array;
  /** Sent as ETag, and compared with If-Range. */
  etag?: string;
  lastModified?: string;
  /** Whether a Range is answered with 206; true unless given. */
  ranges?: boolean;
  /** Answers ranges without looking at If-Range. */
  ignoresIfRange?: boolean;
  /** Where the range that is sent begins, whatever was asked for. */
  rangeFrom?: number;
  /** Sends no more than this of a range at a time. */
  rangeBytes?: number;
  /** After how many bytes of the body the first, second, ... answer breaks off; those after the last are whole. */
  breaks?: number[];
  status?: number;
  headers?: Record<string, string>;
  /** Sends no Content-Length. */
  chunked?: boolean;
}

export interface ArchiveServer {
  readonly url: string;
  readonly pages: Map<string, Served>;
  /** Path, Range and If-Range of every request, in order. */
  readonly requests: { path: string; range: string | undefined; ifRange: string | undefined }[];
  /** To be told how much of a file has arrived: an answer that is to break off does so when all before that has. */
  received(bytes: number): void;
  close(): Promise<void>;
}

/** An HTTP server on the loopback interface that serves archives, well or badly. */
export async function startArchiveServer(): Promise<ArchiveServer> {
  const pages: ArchiveServer['pages'] = new Map();
  const requests: ArchiveServer['requests'] = [];
  const pending: PendingBreak[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const ifRange = request.headers['if-range'];
    requests.push({
      path,
      range: request.headers.range,
      ifRange: typeof ifRange === 'string' ? ifRange : undefined,
    });
    const page = pages.get(path);
    if (page === undefined) response.writeHead(404).end();
    else answer(page, request, response, pending);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pages,
    requests,
    received(bytes) {
      for (const { at, break: breakOff } of pending.splice(0)) {
        if (bytes >= at) breakOff();
        else pending.push({ at, break: breakOff });
      }
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface PendingBreak {
  readonly at: number;
  break(): void;
}

function answer(
  page: Served,
  request: IncomingMessage,
  response: ServerResponse,
  pending: PendingBreak[],
): void {
  const { bytes, etag, lastModified } = page;
  const headers: Record<string, string> = { ...page.headers };
  if (etag !== undefined) headers['etag'] = etag;
  if (lastModified !== undefined) headers['last-modified'] = lastModified;
  const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
  const condition = request.headers['if-range'];
  const unchanged =
    page.ignoresIfRange || condition === undefined || condition === etag || condition === lastModified;
  let status = page.status ?? 200;
  let body = bytes;
  let from = 0;
  if (asked !== undefined && page.ranges !== false && unchanged && status === 200) {
    from = page.rangeFrom ?? Number(asked);
    if (from >= bytes.length) {
      response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
      return;
    }
    status = 206;
    const to = Math.min(bytes.length, from + (page.rangeBytes ?? bytes.length));
    headers['content-range'] = `bytes ${from}-${to - 1}/${bytes.length}`;
    body = bytes.subarray(from, to);
  }
  if (!page.chunked) headers['content-length'] = String(body.length);
  response.writeHead(status, headers);
  const end = page.breaks?.shift();
  if (end === undefined) response.end(body);
  else {
    response.flushHeaders();
    response.write(body.subarray(0, end));
    pending.push({ at: from + end, break: () => response.destroy() });
  }
}
