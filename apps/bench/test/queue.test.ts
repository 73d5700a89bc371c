// Real workers, a real Redis, real kills.
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import express from 'express';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { dashboard } from '../src/queue/dashboard.ts';
import { statusOfQueue } from '../src/queue/status.ts';
import type { RunEvent } from '../src/runner/events.ts';
import { takeLease } from '../src/runner/lease.ts';
import { Store } from '../src/runner/store.ts';
import { Bench, childrenOf, isAlive, until } from './queue/processes.ts';
import { hasRedis, RedisServer } from './queue/redis.ts';

interface RunReport {
  readonly jobs: readonly (RunEvent & { readonly label: string })[];
}

interface BoardQueue {
  readonly name: string;
  readonly counts: Readonly<Record<string, number>>;
}

interface WorkerReport {
  readonly done: readonly string[];
  readonly returned: readonly string[];
}

const experiment = fileURLToPath(new URL('./queue/grid.mjs', import.meta.url));

it('Redis is there where it must be', () => {
  expect(hasRedis || process.env['PROJ_REQUIRE_REDIS'] !== '1').toBe(true);
});

describe.skipIf(!hasRedis)('jobs through a queue', { timeout: 120_000 }, () => {
  const home = mkdtempSync(join(tmpdir(), 'proj-queue-'));
  let redis: RedisServer;
  let tests = 0;
  let folder: string;
  let url: string;
  let store: Store;
  const started: Bench<unknown>[] = [];

  beforeAll(async () => {
    redis = await RedisServer.start(join(home, 'redis'));
  });
  afterAll(async () => {
    await redis.kill();
    rmSync(home, { recursive: true, force: true });
  });
  afterEach(async () => {
    for (const bench of started.splice(0)) await bench.signal('SIGKILL');
  });

  /** A folder and a database of its own. */
  const prepare = () => {
    folder = join(home, `store-${tests}`);
    url = redis.url(tests++);
    store = new Store(folder);
  };
  const start = <T>(args: readonly string[]): Bench<T> => {
    const bench = new Bench<T>(args);
    started.push(bench);
    return bench;
  };
  const settings = (values: Readonly<Record<string, string | number>>) =>
    Object.entries(values).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
  const run = (values: Readonly<Record<string, string | number>>, ...more: string[]) =>
    start<RunReport>(['run', experiment, ...settings(values), '--queue', url, '--store', folder, ...more]);
  const worker = (...more: string[]) =>
    start<WorkerReport>(['worker', '--queue', url, '--store', folder, '--jobs', '1', '--lock', '2', ...more]);
  const planOf = () =>
    until(async () => (await store.runs()).length > 0 && store.run((await store.runs())[0]!));
  const statesOf = ({ jobs }: RunReport) =>
    Object.fromEntries(jobs.map(({ label, state }) => [label, state]));
  const status = async () => statusOfQueue(url, await planOf(), store);
  /** The job that a worker is in the middle of. */
  const atWorkOn = (bench: Bench<WorkerReport>) =>
    until(() => {
      const id = /^\S+ (\w{16}) .*: running$/m.exec(bench.stderr.trimEnd().split('\n').at(-1) ?? '')?.[1];
      return id !== undefined && existsSync(join(store.scratch(id), 'checkpoint.json')) && id;
    });

  it('gives what a local run gives, though workers and Redis are killed in the middle', async () => {
    prepare();
    const grid = { shape: 'grid', steps: 7 };
    const local = join(home, 'local');
    const alone = start<RunReport>(['run', experiment, ...settings(grid), '--store', local, '--jobs', '2']);
    expect((await alone.ended).code).toBe(0);

    const [first, second, third] = [worker(), worker(), worker()];
    const submitter = run(grid);
    const killed: string[] = [];
    for (const victim of [first, second]) {
      killed.push(await atWorkOn(victim));
      const children = childrenOf(victim.pid);
      await victim.signal('SIGKILL');
      await until(() => !children.some(isAlive));
    }
    await redis.kill();
    await wait(500);
    await redis.restart();

    const { code, json } = await submitter.ended;
    expect(code).toBe(0);
    expect(json.jobs).toHaveLength(12);
    expect(new Set(json.jobs.map(({ state }) => state))).toEqual(new Set(['done']));
    expect(contents(folder)).toEqual(contents(local));
    for (const id of killed) expect((await store.finished(id))!.run.attempts, id).toBeGreaterThan(1);
    expect((await third.signal('SIGINT')).code).toBe(130);
  });

  it('tries a failing job again, then gives it up with all that needs it, until it is mended', async () => {
    prepare();
    const mended = join(home, 'mended');
    const values = { shape: 'failing', steps: 1, until: mended };
    worker();
    const { code, json } = await run(values, '--retries', '1', '--backoff', '0.2').ended;
    expect(code).toBe(1);
    expect(statesOf(json)).toEqual({ good: 'done', bad: 'failed', next: 'blocked', last: 'blocked' });
    const bad = json.jobs.find(({ label }) => label === 'bad')!;
    expect(await store.failure(bad.id)).toMatchObject({ attempts: 2, message: 'it is broken' });

    // Nothing is tried again unasked.
    expect(statesOf((await run(values).ended).json)).toMatchObject({ bad: 'failed', last: 'blocked' });
    const retry = ['retry', experiment, '--failed', ...settings(values), '--queue', url, '--store', folder];
    const vain = await start<RunReport>([...retry, '--retries', '0']).ended;
    expect(statesOf(vain.json)).toMatchObject({ bad: 'failed', last: 'blocked' });
    expect(vain.stderr).toContain(`--queue ${url} --failed`);
    writeFileSync(mended, '');
    const again = await start<RunReport>(retry).ended;
    expect(statesOf(again.json)).toEqual({ good: 'done', bad: 'done', next: 'done', last: 'done' });
  });

  it('gives a job only to workers that have its tags and its memory', async () => {
    prepare();
    const small = worker('--memory', '4');
    const submitter = run({ shape: 'demanding', steps: 1 });
    await until(async () => (await status()).jobs.filter(({ state }) => state === 'done').length === 1);
    const { jobs, workers } = await status();
    expect(workers.map(({ pid }) => pid)).toEqual([small.pid]);
    expect(jobs.map(({ state, message }) => [state, message])).toEqual([
      ['done', undefined],
      ['queued', 'there is no worker with 1 GiB of memory, the tag gpu'],
      ['queued', 'there is no worker with 500 GiB of memory'],
    ]);
    const large = worker('--memory', '600');
    const gpu = worker('--tags', 'gpu', '--memory', '4');
    const ids = (await submitter.ended).json.jobs.map(({ id }) => [id]);
    const reports = [];
    for (const one of [small, gpu, large]) reports.push((await one.signal('SIGINT')).json.done);
    expect(reports).toEqual(ids);
  });

  it('runs jobs of a higher priority first, those of a plan in its order', async () => {
    prepare();
    const low = run({ shape: 'row', width: 2, salt: 'low', steps: 1 });
    await until(
      async () =>
        (await planOf()) && (await status()).jobs.every(({ message }) => message !== 'not in the queue'),
    );
    const high = run({ shape: 'row', width: 2, salt: 'high', steps: 1 }, '--priority', '5');
    await until(async () => (await store.runs()).length === 2);
    const plans = await Promise.all((await store.runs()).map((name) => store.run(name)));
    for (const plan of plans)
      await until(async () =>
        (await statusOfQueue(url, plan!, store)).jobs.every(({ message }) => message !== 'not in the queue'),
      );
    const one = worker();
    const idsOf = async (bench: Bench<RunReport>) => (await bench.ended).json.jobs.map(({ id }) => id);
    const [later, sooner] = [await idsOf(low), await idsOf(high)];
    expect((await one.signal('SIGINT')).json.done).toEqual([...sooner, ...later]);
  });

  it('gives a job back on Ctrl-C, at once, and without using up an attempt', async () => {
    prepare();
    const first = worker();
    const submitter = run({ shape: 'row', steps: 30 }, '--retries', '0');
    const id = await atWorkOn(first);
    const { code, json } = await first.signal('SIGINT');
    expect([code, json.returned, json.done]).toEqual([130, [id], []]);
    const step = (
      JSON.parse(readFileSync(join(store.scratch(id), 'checkpoint.json'), 'utf8')) as { step: number }
    ).step;
    expect(step).toBeGreaterThan(0);
    expect((await status()).jobs[0]!.state).toBe('queued');
    const second = worker();
    expect((await submitter.ended).code).toBe(0);
    expect((await second.signal('SIGINT')).json.done).toEqual([id]);
    expect((await store.finished(id))!.run.attempts).toBe(2);
  });

  it('goes on without whoever submitted it; who asks again, or at the same time, watches the same jobs', async () => {
    prepare();
    const values = { shape: 'row', width: 3, steps: 5 };
    const submitters = [run(values), run(values)];
    const one = worker();
    await atWorkOn(one);
    for (const submitter of submitters) await submitter.signal('SIGKILL');
    const plan = await planOf();
    const watcher = run(values);
    await until(() => plan.jobs.every(({ id }) => store.has(id)));
    expect((await watcher.ended).code).toBe(0);
    expect((await run(values).ended).code).toBe(0);
    expect((await one.signal('SIGINT')).json.done.toSorted()).toEqual(plan.jobs.map(({ id }) => id).sort());
    for (const { id } of plan.jobs) expect((await store.finished(id))!.run.attempts).toBe(1);
  });

  it('waits for a job that another process works on, without using up an attempt', async () => {
    prepare();
    const submitter = run({ shape: 'row', steps: 1 }, '--retries', '0');
    const { id } = (await planOf()).jobs[0]!;
    const lease = await takeLease(store.folder(id));
    worker();
    await until(async () => (await status()).jobs[0]!.message?.includes('being worked on'));
    if ('release' in lease) await lease.release();
    expect((await submitter.ended).code).toBe(0);
  });

  it('leaves a job to others where the code is not that of the plan', async () => {
    prepare();
    const copy = join(home, 'grid.mjs');
    copyFileSync(experiment, copy);
    const submitter = start<RunReport>([
      ...['run', copy, ...settings({ shape: 'row', steps: 1 }), '--queue', url, '--store', folder],
      ...['--retries', '0'],
    ]);
    await planOf();
    writeFileSync(copy, `${readFileSync(experiment, 'utf8')}\n// changed\n`);
    const stale = worker();
    await until(async () => (await status()).jobs[0]!.message?.includes('code is not that of the plan'));
    await stale.signal('SIGINT');
    copyFileSync(experiment, copy);
    worker();
    expect((await submitter.ended).code).toBe(0);
  });

  it('is shown by bull-board, which changes nothing', async () => {
    prepare();
    run({ shape: 'row', width: 2, steps: 1 });
    await until(async () => (await status()).jobs.every(({ message }) => message !== 'not in the queue'));
    const { router, close } = await dashboard(url);
    const server = express().use('/queues', router).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}/queues`;
    try {
      const page = await fetch(`${at}/`);
      expect(page.headers.get('content-type')).toContain('text/html');
      const { queues } = (await (await fetch(`${at}/api/queues`)).json()) as { queues: BoardQueue[] };
      expect(queues.map(({ name, counts }) => [name, counts['prioritized']])).toEqual([
        ['cores-1 memory-1', 2],
      ]);
      const change = await fetch(`${at}/api/queues/${encodeURIComponent(queues[0]!.name)}/pause`, {
        method: 'PUT',
      });
      expect(change.status).toBe(405);
    } finally {
      server.close();
      await close();
    }
  });

  it('watches until Ctrl-C, then names the command that goes on, without the password', async () => {
    prepare();
    const secret = url.replace('//', '//:secret@');
    const row = settings({ shape: 'row', steps: 1 });
    const watcher = start(['run', experiment, ...row, '--queue', secret, '--store', folder]);
    await until(async () => (await planOf()) && (await status()).jobs[0]!.message?.includes('no worker'));
    const { code, stderr } = await watcher.signal('SIGINT');
    expect(code).toBe(130);
    expect(stderr).toContain(`--queue ${url}`);
    expect(stderr).not.toContain('secret');
    expect((await status()).jobs[0]!.state).toBe('queued');
  });

  it('says so when there is no queue, or it belongs to another store', async () => {
    prepare();
    const nowhere = await start(['worker', '--queue', 'redis://user:secret@127.0.0.1:1', '--store', folder])
      .ended;
    expect(nowhere.code).toBe(1);
    expect(nowhere.stderr).toContain('there is no queue at redis://127.0.0.1:1');
    expect(nowhere.stderr).not.toContain('secret');
    const mine = worker();
    await until(async () => (await workersThere()) === 1);
    const other = await start(['worker', '--queue', url, '--store', `${folder}-other`]).ended;
    expect(other.code).toBe(1);
    expect(other.stderr).toContain('belongs to another folder of results');
    await mine.signal('SIGINT');
    expect(await workersThere()).toBe(0);
  });

  const workersThere = async () => (await statusOfQueue(url, { jobs: [] } as never, store)).workers.length;
});

/** The results and files of a store, as they lie there. */
function contents(root: string): Record<string, string> {
  const jobs = join(root, 'jobs');
  const names = readdirSync(jobs, { recursive: true, encoding: 'utf8' });
  const kept = names.filter((name) => /^\w+\/(result\.json|files\/.+)$/.test(name)).sort();
  return Object.fromEntries(kept.map((name) => [name, readFileSync(join(jobs, name), 'base64')]));
}
