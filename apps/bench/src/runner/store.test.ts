import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Json, RunRecord } from '../experiment.ts';
import { machine } from './machine.ts';
import type { JobSpec } from './spec.ts';
import { Store } from './store.ts';

const home = mkdtempSync(join(tmpdir(), 'proj-store-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const spec: JobSpec = {
  schema: 'proj.bench.job/1',
  id: '0123456789abcdef',
  identity: { task: 'task', config: { b: 1, a: [2] }, seed: 3, data: {}, needs: {}, code: 'c' },
  label: 'label',
  module: 'bench:tasks/task.js',
  resources: {},
  estimate: { seconds: 2, bytes: 4 },
};

const run: RunRecord = { finished: '2026-01-01', seconds: 8, attempts: 2, machine: machine(), versions: {} };

async function completed(name: string, result: Json): Promise<Store> {
  const store = new Store(join(home, name));
  await store.describe(spec);
  const made = join(store.folder(spec.id), 'making');
  mkdirSync(join(made, 'deep'), { recursive: true });
  writeFileSync(join(made, 'z.bin'), 'abc');
  writeFileSync(join(made, 'deep', 'a.txt'), 'abcdef');
  await store.complete(spec, made, result, run);
  return store;
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

describe('a store', () => {
  it('keeps result and files, the same bytes wherever it lies and whenever it was made', async () => {
    const [one, two] = [await completed('one', { y: 1, x: 2 }), await completed('two', { x: 2, y: 1 })];
    const bytes = (store: Store) => readFileSync(join(store.folder(spec.id), 'result.json'), 'utf8');
    expect(bytes(one)).toBe(bytes(two));
    const finished = (await one.finished(spec.id))!;
    expect(finished).toMatchObject({ task: 'task', label: 'label', seed: 3, result: { x: 2, y: 1 }, run });
    expect(finished.files).toEqual([
      { name: 'deep/a.txt', bytes: 6, sha256: sha256('abcdef') },
      { name: 'z.bin', bytes: 3, sha256: sha256('abc') },
    ]);
    expect(readFileSync(finished.file('deep/a.txt'), 'utf8')).toBe('abcdef');
    expect(() => finished.file('b')).toThrow('left no file "b", only deep/a.txt, z.bin.');
  });

  it('has no result before it is whole: one that is not JSON leaves the job undone', async () => {
    const store = new Store(join(home, 'nan'));
    await expect(completed('nan', Number.NaN)).rejects.toThrow(/NaN/);
    expect(store.has(spec.id)).toBe(false);
    expect(await store.finished(spec.id)).toBeUndefined();
    // What the next attempt makes takes its place.
    expect((await (await completed('nan', 1)).finished(spec.id))?.result).toBe(1);
  });

  it('keeps nothing of a finished job but what it was, where it ran, and what it made', async () => {
    const store = await completed('tidy', 1);
    mkdirSync(store.scratch(spec.id));
    writeFileSync(join(store.scratch(spec.id), 'checkpoint'), '');
    writeFileSync(store.clock(spec.id), '1 2');
    await store.setProgress(spec.id, { done: 1, total: 2, detail: '', seconds: 1, heard: 0, attempt: 1 });
    await store.tidy(spec.id);
    expect(readdirSync(store.folder(spec.id)).sort()).toEqual([
      'files',
      'job.json',
      'result.json',
      'run.json',
    ]);
  });

  it('knows what finished jobs took, and passes over what is damaged', async () => {
    const store = await completed('work', 1);
    mkdirSync(store.folder('damaged'), { recursive: true });
    writeFileSync(join(store.folder('damaged'), 'result.json'), '{');
    expect(await store.work()).toEqual([{ task: 'task', estimate: spec.estimate, seconds: 8, bytes: 9 }]);
    await expect(store.finished('damaged')).rejects.toMatchObject({ code: 'BENCH_STORE_INVALID' });
  });

  it('does not know how far a job is whose progress a power cut has damaged', async () => {
    const store = new Store(join(home, 'progress'));
    await store.describe(spec);
    writeFileSync(join(store.folder(spec.id), 'progress.json'), '');
    expect(await store.progress(spec.id)).toBeUndefined();
  });

  it('remembers why a job was given up until it is forgiven', async () => {
    const store = new Store(join(home, 'failed'));
    await store.describe(spec);
    const failure = { schema: 'proj.bench.failure/1', attempts: 3, message: 'm', log: ['a', 'b'] } as const;
    await store.fail(spec.id, failure);
    expect(await store.failure(spec.id)).toEqual(failure);
    await store.forgive(spec.id);
    expect(await store.failure(spec.id)).toBeUndefined();
    await store.forgive('unknown');
    expect(existsSync(store.folder('unknown'))).toBe(false);
  });
});
