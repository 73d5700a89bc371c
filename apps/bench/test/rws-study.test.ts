import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import type { Plan } from '../src/runner/plan.ts';

const run = promisify(execFile);
const dist = new URL('../dist/', import.meta.url);
const main = fileURLToPath(new URL('main.js', dist));
const home = mkdtempSync(join(tmpdir(), 'proj-rws-study-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** The study on digits, which every machine has, at its smallest. */
const tiny: Record<string, string> = {
  ...{ corruptions: 'contrast,impulse_noise', fewCorruptions: 'contrast', flavour: 'reproducible' },
  ...{ vggStages: '4,8', published: 'false', resnetWidth: '4', resnetDepths: '1,1,1' },
  ...{ imageSize: '28', channels: '1', data: 'digits', testData: '', flip: 'false', cropPadding: '1' },
  ...{ trainImages: '320', validationImages: '60', testImages: '60', sweepImages: '30' },
  ...{ statisticsImages: '50', startEpochs: '2', epochs: '1', batchSize: '32', checkpointSteps: '3' },
  ...{ alphas: '0,1', sweepAlphas: '0,1', maxUnits: '2', counts: '2', rules: 'sum,TIES', factors: '1' },
  ...{ factorImages: '30', transferData: 'digits', transferTestData: '', transferSeeds: '0' },
  ...{ transferEpochs: '1' },
  ...{ adaptationSeeds: '', adaptationCorruptions: 'contrast', seeds: '0', comparedUnits: '2' },
};
/** The ViT is that of `rws-smoke`. */
const two = { architectures: 'vgg,resnet' };
/** The part of it that the ResNet is, by itself. */
const one = { architectures: 'resnet', corruptions: 'contrast', transferData: '' };

const set = (settings: Record<string, string>) =>
  Object.entries(settings).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
const command = (store: string, settings: Record<string, string>) => [
  ...[main, 'run', 'rws-cifar10', ...set({ ...tiny, ...settings }), '--store', store, '--jobs', '2'],
];

const { planFor } = (await import(new URL('runner/open.js', dist).href)) as {
  planFor(name: string, preset: string, overrides: Record<string, string>): Promise<Plan>;
};

const results = (store: string) =>
  Object.fromEntries(
    readdirSync(join(store, 'jobs')).map((id) => [
      id,
      readFileSync(join(store, 'jobs', id, 'result.json'), 'utf8'),
    ]),
  );

describe('rws-cifar10', () => {
  const whole = join(home, 'whole');

  it('trains architectures, chooses, sweeps, composes, carries over, takes off and reports', {
    timeout: 300_000,
  }, async () => {
    const out = join(home, 'report');
    await run(process.execPath, [...command(whole, two), '--out', out]);
    const report = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'));
    expect(report.jobs.map(({ state }: { state: string }) => state)).not.toContain('missing');
    type Section = { title: string; kind: string; rows: unknown[][] };
    const section = (title: RegExp): Section =>
      report.sections.find((one: Section) => title.test(one.title)) ?? expect.fail(`no section ${title}`);
    const numbers = section(/^What a patch gives/).rows.map(([architecture, model, ...cells]) => ({
      model: `${String(architecture).split(' ')[0]}: ${model}`,
      cells: cells as ({ mean: number } | null)[],
    }));
    expect(numbers.map(({ model }) => model)).toEqual([
      ...rowsOf('VGG'),
      ...rowsOf('ResNet', 'RWS, BN kept', 'RWS, BN replaced and recalibrated', 'BN statistics alone'),
    ]);
    for (const { cells } of numbers) {
      const [clean, corrupted] = cells;
      expect(clean!.mean).toBeGreaterThan(0);
      expect(corrupted!.mean).toBeGreaterThan(0);
    }
    expect(section(/^Where a patch helps/).rows).toHaveLength(3);
    expect(section(/^Several patches at once/).rows).toHaveLength(4);
    expect(section(/^Transfer to digits$/).rows).toHaveLength(6);
    expect(section(/^Conflicts/).rows).toHaveLength(1);
    section(/^VGG.*cosines of signatures, with projection$/);
    section(/^Taken off again, every bit is back$/);
    // Float32 is what the others are compared with.
    const stored = section(/^Ways to store/).rows[0] as [string, string, ...{ mean: number }[]];
    expect(stored.slice(2).map((cell) => (cell as { mean: number }).mean)).toEqual([
      0,
      expect.any(Number),
      0,
      0,
    ]);
  });

  it('killed with -9 in trainings ends in the results and models of a study that was not', {
    timeout: 300_000,
  }, async () => {
    const killed = join(home, 'killed');
    const jobs = (await planFor('rws-cifar10', 'smoke', { ...tiny, ...one })).jobs;
    const trainings = jobs.filter(({ label }) => /start|robust/.test(label)).map(({ id }) => id);
    expect(trainings).toHaveLength(2);
    for (const id of trainings) {
      const checkpoint = join(killed, 'jobs', id, 'scratch', 'checkpoint.safetensors');
      const runner = spawn(process.execPath, command(killed, one), { detached: true, stdio: 'ignore' });
      const ended = new Promise((resolve) => runner.once('exit', (_, signal) => resolve(signal)));
      while (!existsSync(checkpoint) && runner.exitCode === null) await setTimeout(5);
      process.kill(-runner.pid!, 'SIGKILL');
      expect(await ended).toBe('SIGKILL');
      expect(existsSync(join(killed, 'jobs', id, 'result.json'))).toBe(false);
    }
    await run(process.execPath, command(killed, one));
    const [again, before] = [results(killed), results(whole)];
    expect(Object.keys(again).sort()).toEqual(jobs.map(({ id }) => id).sort());
    // They name the SHA-256 of every file that a job leaves.
    for (const [id, result] of Object.entries(again)) expect(result).toBe(before[id]);
  });

  it('refuses settings that it cannot have, and says what there is', async () => {
    const refused = async (setting: string) =>
      run(process.execPath, [main, 'plan', 'rws-cifar10', '--set', setting]).catch((error) => error);
    expect((await refused('architectures=vgg,alexnet')).stderr).toContain(
      'there is no "alexnet"; choose from vgg, resnet, vit',
    );
    expect((await refused('fewCorruptions=snow')).stderr).toContain(
      'there is no "snow"; choose from gaussian_noise, gaussian_blur',
    );
    expect((await refused('alphas=0,2')).stderr).toContain('alphas: must have 1 among them');
  });
});

const rowsOf = (architecture: string, ...more: string[]): string[] =>
  [
    ...['standard', 'data augmentation', 'robust (upper reference)'],
    ...['plain difference', 'RWS', 'RWS, 4 bits', ...more],
  ].map((model) => `${architecture}: ${model}`);
