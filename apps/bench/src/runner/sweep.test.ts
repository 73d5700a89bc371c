import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { takeLease } from './lease.ts';
import { Store } from './store.ts';
import { sweep } from './supervise.ts';

const home = mkdtempSync(join(tmpdir(), 'proj-sweep-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

it('removes the checkpoints of a job that is done, not of one that somebody works on', async () => {
  const store = new Store(home);
  mkdirSync(store.scratch('job'), { recursive: true });
  await sweep(store, 'job');
  expect(existsSync(store.scratch('job'))).toBe(true);

  writeFileSync(join(store.folder('job'), 'result.json'), '{}');
  const lease = await takeLease(store.folder('job'));
  if ('pid' in lease) throw new Error('the lease is free');
  await sweep(store, 'job');
  expect(existsSync(store.scratch('job'))).toBe(true);

  await lease.release();
  await sweep(store, 'job');
  expect(existsSync(store.scratch('job'))).toBe(false);
  expect(store.has('job')).toBe(true);
});
