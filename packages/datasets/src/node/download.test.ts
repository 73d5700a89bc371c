import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ArchiveServer, startArchiveServer } from '../../test/archive-server.ts';
import { download } from './download.ts';

let server: ArchiveServer;
let folder: string;
beforeAll(async () => {
  server = await startArchiveServer();
  folder = await mkdtemp(join(tmpdir(), 'proj-download-'));
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

describe('a download', () => {
  it('larger than any archive is cut short and thrown away', async () => {
    for (const chunked of [true, false]) {
      server.pages.set('/endless', { bytes: new Uint8Array(100_000), chunked });
      const made = async () => {
        const options = { path: join(folder, 'x.part'), maxBytes: 50_000, fetch, signal: undefined };
        for await (const _progress of download({ url: `${server.url}/endless`, ...options }));
      };
      await expect(made()).rejects.toThrow(/sends more than (50000|100000) bytes|sends 100000 bytes/);
      expect(await readdir(folder)).toEqual([]);
    }
  });
});
