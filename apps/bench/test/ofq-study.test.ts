import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { stateSha256 } from '@proj/tensor-io';
import { readSafetensors } from '@proj/tensor-io/node';
import { afterAll, describe, expect, it } from 'vitest';
import type { Plan } from '../src/runner/plan.ts';
import type { Store as StoreClass } from '../src/runner/store.ts';

const run = promisify(execFile);
const dist = new URL('../dist/', import.meta.url);
const main = fileURLToPath(new URL('main.js', dist));
const home = mkdtempSync(join(tmpdir(), 'proj-ofq-study-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** The study on digits, which every machine has, at its smallest. */
const tiny: Record<string, string> = {
  ...{ data: 'digits', testData: '', model: 'vit_digits_28', patchSize: '7', flip: 'false' },
  ...{ cropPadding: '1', depth: '1', trainImages: '320', testImages: '100', batchSize: '32' },
  ...{ floatEpochs: '2', epochs: '2', annealingEpochs: '1', oscillationRecords: '3', methods: 'qkr,ofq' },
  checkpointSteps: '3',
};
const set = Object.entries(tiny).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
const command = (store: string) => [main, 'run', 'ofq-cifar10', ...set, '--jobs', '1', '--store', store];

const { planFor } = (await import(new URL('runner/open.js', dist).href)) as {
  planFor(name: string, preset: string, overrides: Record<string, string>): Promise<Plan>;
};
const { adopt, keep } = (await import(
  new URL('runner/record.js', dist).href
)) as typeof import('../src/runner/record.ts');
const { Store } = (await import(new URL('runner/store.js', dist).href)) as { Store: typeof StoreClass };

const results = (store: string) =>
  Object.fromEntries(
    readdirSync(join(store, 'jobs')).map((id) => [
      id,
      readFileSync(join(store, 'jobs', id, 'result.json'), 'utf8'),
    ]),
  );

describe('ofq-cifar10', () => {
  const whole = join(home, 'whole');

  it('trains, quantizes, anneals from a shared training, evaluates what was packed, and reports', {
    timeout: 300_000,
  }, async () => {
    const out = join(home, 'report');
    await run(process.execPath, [...command(whole), '--out', out]);
    const report = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'));
    type Section = { title: string; rows: unknown[][] };
    const section = (title: string): Section =>
      report.sections.find((one: Section) => one.title === title) ?? expect.fail(`no section "${title}"`);
    const accuracy = section('Accuracy').rows;
    expect(accuracy.map(([bits, method]) => `${bits} ${method}`)).toEqual([
      'float ',
      'W2A2 StatsQ + QKR',
      'W2A2 StatsQ + QKR + CGA',
    ]);
    for (const row of accuracy) expect((row[2] as { mean: number }).mean).toBeGreaterThan(0);
    expect(section('What each part is worth').rows.map(([, difference]) => difference)).toEqual([
      'StatsQ + QKR + CGA − StatsQ + QKR',
    ]);
    section('Weights that oscillate');

    const jobs = await jobsByLabel();
    const result = (label: string) => JSON.parse(results(whole)[jobs.get(label)!]!).result;
    const ends = ['StatsQ + QKR, W2A2', 'StatsQ + QKR + CGA, W2A2'].map(result);
    // The same budget: 10 steps an epoch.
    expect(ends.map(({ steps }) => steps)).toEqual([30, 30]);
    expect(result('StatsQ + QKR, before its end, W2A2').steps).toBe(20);
    expect(new Set(ends.map(({ sha256 }) => sha256)).size).toBe(2);
    for (const { bytes, oscillation } of ends) {
      expect(bytes.packed).toBeLessThan(bytes.float32 / 2);
      expect(oscillation.flips).toBeGreaterThanOrEqual(0);
    }
  });

  it('leaves models as files under a megabyte, with the commands that made them', async () => {
    const out = join(home, 'models');
    const { stdout } = await run(process.execPath, [
      ...[main, 'models', ...set, '--store', whole, '--out', out, '--json'],
    ]);
    const { models } = JSON.parse(stdout) as { models: { file: string; bytes: number; sha256: string }[] };
    expect(models.map(({ file }) => file)).toEqual([
      'cifar10-vit.f16.safetensors',
      'cifar10-vit.w2a2.ofq.safetensors',
    ]);
    for (const { file, bytes, sha256 } of models) {
      expect(bytes).toBeLessThan(1_000_000);
      const { state, metadata } = await readSafetensors(join(out, file));
      expect(await stateSha256(state)).toBe(sha256);
      expect(JSON.parse(metadata.get('proj')!).classNames).toHaveLength(10);
    }
    const readme = readFileSync(join(out, 'README.md'), 'utf8');
    expect(readme).toContain('npm run bench -- run ofq-cifar10 --preset smoke --set data=digits');
  });

  it('killed with -9 in each training it ends in the same results', { timeout: 300_000 }, async () => {
    const killed = join(home, 'killed');
    const jobs = await jobsByLabel();
    const trainings = [
      'StatsQ + QKR, before its end, W2A2',
      'StatsQ + QKR, W2A2',
      'StatsQ + QKR + CGA, W2A2',
    ];
    for (const label of trainings) {
      const folder = join(killed, 'jobs', jobs.get(label)!);
      const checkpoint = join(folder, 'scratch', 'checkpoint.safetensors');
      const runner = spawn(process.execPath, command(killed), {
        detached: true,
        stdio: 'ignore',
      });
      const ended = new Promise((resolve) => runner.once('exit', (_, signal) => resolve(signal)));
      while (!existsSync(checkpoint) && runner.exitCode === null) await setTimeout(5);
      process.kill(-runner.pid!, 'SIGKILL');
      expect(await ended).toBe('SIGKILL');
      expect(existsSync(join(folder, 'result.json'))).toBe(false);
    }
    await run(process.execPath, command(killed));
    expect(results(killed)).toEqual(results(whole));
  });

  it('is taken over from what was kept, and does again only what a job needs that was not', {
    timeout: 120_000,
  }, async () => {
    const plan = await planFor('ofq-cifar10', 'smoke', tiny);
    const [store, record] = [new Store(whole), new Store(join(home, 'kept'))];
    for (const { id } of plan.jobs) await keep(store, record, id);
    const all = plan.jobs.length;

    expect(await adopt(plan, new Store(join(home, 'fresh')), record)).toBe(all);
    expect(results(join(home, 'fresh'))).toEqual(results(whole));

    // As if the checkpoint had been too large to be kept: nobody needs it while the ends are done.
    const jobs = await jobsByLabel();
    const shared = jobs.get('StatsQ + QKR, before its end, W2A2')!;
    rmSync(join(record.folder(shared), 'files', 'checkpoint.safetensors'));
    const partial = new Store(join(home, 'partial'));
    expect(await adopt(plan, partial, record)).toBe(all);

    // With one end gone, the shared training has to be done again, also where it was taken over before.
    const end = jobs.get('StatsQ + QKR, W2A2')!;
    for (const one of [record, partial]) rmSync(one.folder(end), { recursive: true });
    const empty = new Store(join(home, 'empty'));
    await adopt(plan, empty, record);
    await adopt(plan, partial, record);
    for (const one of [empty, partial])
      expect(plan.jobs.filter(({ id }) => !one.has(id)).map(({ id }) => id)).toEqual([shared, end]);
  });

  it('refuses methods and bits that it does not have, and says what there is', async () => {
    const refused = async (...args: string[]) =>
      run(process.execPath, [main, 'plan', 'ofq-cifar10', ...args]).catch((error) => error);
    expect((await refused('--set', 'methods=lsq,magic')).stderr).toContain(
      'there is no "magic"; choose from lsq, lsq+',
    );
    expect((await refused('--set', 'otherBits=5')).stderr).toContain('choose from 2, 3, 4');
  });
});

async function jobsByLabel(): Promise<Map<string, string>> {
  const { jobs } = await planFor('ofq-cifar10', 'smoke', tiny);
  return new Map(jobs.map(({ label, id }) => [label, id]));
}
