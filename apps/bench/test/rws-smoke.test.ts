import { execFile, spawn } from 'node:child_process';
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
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import type { Plan } from '../src/runner/plan.ts';

const run = promisify(execFile);
const dist = new URL('../dist/', import.meta.url);
const main = fileURLToPath(new URL('main.js', dist));
const home = mkdtempSync(join(tmpdir(), 'proj-rws-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** The experiment on digits, which every machine has, at its smallest. */
const tiny = Object.entries({
  ...{ data: 'digits', testData: '', model: 'vit_digits_28', patchSize: 7, flip: false, cropPadding: 1 },
  ...{ depth: 1, trainImages: 320, validationImages: 100, testImages: 100, startEpochs: 2, epochs: 1 },
  ...{ alphas: '0,1', factors: 1, comparedUnits: 1, galleryImages: 2 },
}).flatMap(([name, value]) => ['--set', `${name}=${value}`]);

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

describe('a training job', () => {
  it('killed with -9 again and again ends in the results and models of one that was not', {
    timeout: 300_000,
  }, async () => {
    const experiment = join(home, 'training.mjs');
    const module = (name: string) => JSON.stringify(new URL(name, dist).href);
    writeFileSync(
      experiment,
      `import { defineExperiment, job } from ${module('experiment.js')};
import { trainClassifier } from ${module('tasks/train-classifier.js')};
const preset = { about: 'small', settings: { seed: 0 } };
const config = { flavour: 'reproducible', model: 'vit_digits_28', data: ['digits'], parts: [960, 100], splitSeed: 0,
  trainPart: 0, validationPart: 1, severity: 5, corruptionSeed: 0, epochs: 4, batchSize: 32, learningRate: 1e-3,
  minLearningRate: 1e-5, warmupEpochs: 1, weightDecay: 0.05, cropPadding: 1, flip: false, checkpointSteps: 7 };
const data = config.data;
const start = job(trainClassifier, { label: 'start', config, data });
const fog = job(trainClassifier, { label: 'fog', config: { ...config, corruption: 'fog' }, data, needs: { start } });
export default defineExperiment({
  name: 'training', title: 'Training', about: 'Two trainings.',
  presets: { smoke: preset, study: preset, full: preset },
  jobs: () => [fog],
  report: () => [],
});
`,
    );
    const command = (store: string) => [main, 'run', experiment, '--jobs', '1', '--store', store];
    const [whole, killed] = [join(home, 'whole'), join(home, 'killed')];
    await run(process.execPath, command(whole));

    const jobs = (await planFor(experiment, 'smoke', {})).jobs.map(({ id }) => id);
    expect(jobs).toHaveLength(2);
    for (const id of jobs) {
      const checkpoint = join(killed, 'jobs', id, 'scratch', 'checkpoint.safetensors');
      const runner = spawn(process.execPath, command(killed), { detached: true, stdio: 'ignore' });
      const ended = new Promise((resolve) => runner.once('exit', (_, signal) => resolve(signal)));
      while (!existsSync(checkpoint) && runner.exitCode === null) await setTimeout(5);
      process.kill(-runner.pid!, 'SIGKILL');
      expect(await ended).toBe('SIGKILL');
      expect(existsSync(checkpoint)).toBe(true);
      expect(existsSync(join(killed, 'jobs', id, 'result.json'))).toBe(false);
    }
    await run(process.execPath, command(killed));
    expect(Object.keys(results(whole)).sort()).toEqual([...jobs].sort());
    // They name the SHA-256 of the model's file and of all metrics.
    expect(results(killed)).toEqual(results(whole));
  });
});

describe('rws-smoke', () => {
  it('trains, tunes, combines, takes off and reports, whole, and does nothing twice', {
    timeout: 300_000,
  }, async () => {
    const store = join(home, 'store');
    const out = join(home, 'report');
    mkdirSync(store);
    const command = [main, 'run', 'rws-smoke', ...tiny, '--store', store, '--out', out];
    await run(process.execPath, command);
    const report = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'));
    expect(report.jobs.map(({ state }: { state: string }) => state)).not.toContain('missing');
    type Section = { title: string; kind: string; rows: unknown[][]; head: string[] };
    const section = (title: string): Section =>
      report.sections.find((one: Section) => one.title === title) ?? expect.fail(`no section "${title}"`);
    const accuracy = section('Clean and corrupted accuracy');
    expect(accuracy.rows.map(([corruption, model]) => `${corruption}: ${model}`)).toEqual(
      ['fog', 'brightness'].flatMap((corruption) =>
        ['standard', 'patched', 'patched, plain difference', 'all patches at once', 'robust'].map(
          (model) => `${corruption}: ${model}`,
        ),
      ),
    );
    // TA never without RA.
    for (const [, , clean, corrupted] of accuracy.rows) {
      expect((clean as { mean: number }).mean).toBeGreaterThan(0);
      expect((corrupted as { mean: number }).mean).toBeGreaterThan(0);
    }
    section('Taken off again, every bit is back');
    for (const row of section('Sizes').rows) expect(row[4]).toMatch(/ against /);
    expect(section('Beside the paper').kind).toBe('published');
    section('Cosines between signatures, rejection');

    const before = results(store);
    const { stderr } = await run(process.execPath, command);
    expect(stderr).not.toMatch(/: running/);
    expect(results(store)).toEqual(before);
  });

  it('shares what it trains with any other experiment that asks for the same', async () => {
    const settings = { ...Object.fromEntries(tinyPairs()), projections: 'orthogonal' };
    const ids = async (name: string, corruptions: string) =>
      new Map(
        (await planFor(name, 'smoke', { ...settings, corruptions })).jobs.map(({ label, id }) => [label, id]),
      );
    const one = await ids('rws-smoke', 'fog,brightness');
    const other = await ids('demo', 'contrast,fog');
    const shared = [...one].filter(([, id]) => [...other.values()].includes(id)).map(([label]) => label);
    expect(shared).toEqual(
      expect.arrayContaining([
        'start',
        'standard',
        'robust-fog',
        'tune fog, rejection',
        'extract fog, rejection',
      ]),
    );
    expect(shared).not.toContain('robust-brightness');
    expect(shared).not.toContain('combine all patches');
  });

  it('refuses settings that it cannot have, and says what there is', async () => {
    const refused = (set: string) =>
      run(process.execPath, [main, 'plan', 'rws-smoke', ...tiny, '--set', set]).catch((error) => error);
    const unknown = await refused('corruptions=rain');
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('there is no "rain"; choose from gaussian_noise');
    expect((await refused('alphas=0.5,1')).stderr).toContain('alphas: must have 0 among them');
  });
});

function tinyPairs(): [string, string][] {
  return tiny.filter((word) => word !== '--set').map((pair) => pair.split('=') as [string, string]);
}
