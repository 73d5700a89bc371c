import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { rejectionCode } from '../test/code-of.ts';
import { safetensorsFile } from '../test/malformed-safetensors.ts';
import { stateSha256 } from './fingerprint.ts';
import { openSafetensors } from './lazy.ts';
import { serializeSafetensors } from './safetensors.ts';
import type { StateDict } from './state.ts';
import { tensorData } from './tensor.ts';

const state: StateDict = new Map([
  ['a', tensorData('F32', [50_000], new Float32Array(50_000).fill(3))],
  ['b', tensorData('F32', [2], [1, 2])],
  ['empty', tensorData('F32', [0], [])],
]);
const file = serializeSafetensors(state);

type Handler = (request: IncomingMessage, response: ServerResponse, range: [number, number]) => void;

/** Runs `test` against a web server on this machine. */
async function withServer(handler: Handler, test: (url: URL) => Promise<void>): Promise<void> {
  const server = createServer((request, response) => {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    handler(request, response, [Number(first), Math.min(Number(last), file.length - 1)]);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await test(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/model.safetensors`));
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** What a server that knows ranges answers. */
const sendRange: Handler = (_, response, [first, last]) => {
  response.writeHead(206, { 'Content-Range': `bytes ${first}-${last}/${file.length}`, ETag: '"1"' });
  response.end(file.subarray(first, last + 1));
};

const opening = async (handler: Handler) => {
  let code: string | undefined;
  await withServer(handler, async (url) => {
    code = await rejectionCode(openSafetensors(url));
  });
  return code;
};

describe('a safetensors file on a web server', () => {
  it('is read by ranges: one request to open it, one for each tensor that lies further on', async () => {
    const ranges: string[] = [];
    const handler: Handler = (request, response, range) => {
      ranges.push(request.headers.range!);
      sendRange(request, response, range);
    };
    await withServer(handler, async (url) => {
      const opened = await openSafetensors(url);
      expect(opened.names).toEqual(['a', 'b', 'empty']);
      expect(ranges).toEqual(['bytes=0-65535']);
      expect(await opened.tensor('b')).toEqual(state.get('b'));
      expect(ranges).toEqual(['bytes=0-65535', `bytes=${file.length - 8}-${file.length - 1}`]);
      expect(await stateSha256(await opened.state())).toBe(await stateSha256(state));
      expect(ranges).toHaveLength(4);
    });
  });

  it('is read whole from a server that ignores ranges', async () => {
    await withServer(
      (_, response) => response.end(file),
      async (url) =>
        expect(await stateSha256(await (await openSafetensors(url)).state())).toBe(await stateSha256(state)),
    );
  });

  it('is refused by name when it is empty', async () => {
    const empty: Handler = (_, response) => response.writeHead(416, { 'Content-Range': 'bytes */0' }).end();
    expect(await opening(empty)).toBe('TIO_TRUNCATED');
  });

  it('is refused when the server fails or does not keep to the range', async () => {
    const answers: Handler[] = [
      (_, response) => response.writeHead(404).end('not found'),
      (_, response) => response.writeHead(206).end(file.subarray(0, 65_536)),
      (_, response) => response.writeHead(206, { 'Content-Range': 'bytes 1-65536/200' }).end(),
      (_, response) => response.writeHead(206, { 'Content-Range': 'bytes 0-65535/*' }).end(),
      (_, response) => response.destroy(),
      (_, response) => {
        response.writeHead(200, { 'Content-Length': file.length }).write(file.subarray(0, 9));
        setTimeout(() => response.destroy(), 20);
      },
    ];
    for (const answer of answers) expect(await opening(answer)).toBe('TIO_HTTP');
    const cut: Handler = (_, response, [first, last]) =>
      response
        .writeHead(206, { 'Content-Range': `bytes ${first}-${last}/${file.length}` })
        .end(file.subarray(0, 100));
    expect(await opening(cut)).toBe('TIO_TRUNCATED');
  });

  it('is refused, before the memory fills, when the server sends more than asked for', async () => {
    let sent = 0;
    const endless: Handler = (_, response) => {
      response.writeHead(206, { 'Content-Range': `bytes 0-65535/${file.length}` });
      const more = () => {
        while (!response.destroyed && response.write(new Uint8Array(65_536))) sent += 65_536;
      };
      response.on('drain', more);
      more();
    };
    await withServer(endless, async (url) => {
      await expect(openSafetensors(url)).rejects.toThrow('sent more than the 65536 bytes asked for');
    });
    expect(sent).toBeLessThan(2 ** 26);
  });

  it('is refused when a tensor is larger than an array', async () => {
    const size = 2 ** 33;
    const header = `{"a":{"dtype":"U8","shape":[${size}],"data_offsets":[0,${size}]}}`;
    const start = safetensorsFile(header);
    const huge: Handler = (_, response, [first]) => {
      response.writeHead(206, { 'Content-Range': `bytes ${first}-65535/${start.length + size}` });
      response.end(start);
    };
    await withServer(huge, async (url) => {
      const opened = await openSafetensors(url);
      expect(await rejectionCode(opened.tensor('a'))).toBe('TIO_TOO_LARGE');
    });
  });

  it.each([
    ['another ETag', (version: number) => ({ ETag: `"${version}"` })],
    [
      'no ETag and another Last-Modified',
      (version: number) => ({ 'Last-Modified': new Date(version * 1000).toUTCString() }),
    ],
    [
      'an ETag only once',
      (version: number): Record<string, string> => (version === 1 ? { ETag: '"1"' } : {}),
    ],
  ])('is refused when a second answer has %s', async (_, headers) => {
    let version = 1;
    const changing: Handler = (_request, response, [first, last]) => {
      const range = `bytes ${first}-${last}/${file.length}`;
      response.writeHead(206, { 'Content-Range': range, ...headers(version++) });
      response.end(file.subarray(first, last + 1));
    };
    await withServer(changing, async (url) => {
      const opened = await openSafetensors(url);
      await expect(opened.tensor('a')).rejects.toThrow('the file changed while it was read; open it again');
    });
  });
});
