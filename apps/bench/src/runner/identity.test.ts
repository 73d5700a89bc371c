import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { defineExperiment, defineTask, type Experiment, type Job, type Json, job } from '../experiment.ts';
import { codeVersion } from './identity.ts';
import { makePlan } from './plan.ts';

const home = mkdtempSync(join(tmpdir(), 'proj-identity-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

let made = 0;
/** The version of `task.mjs` among these files, each time in a new folder. */
function versionOf(files: Readonly<Record<string, string>>, programs: readonly string[] = []): string {
  const folder = join(home, String(made++));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const url = (name: string) => pathToFileURL(join(folder, name)).href;
  return codeVersion({ module: url('task.mjs'), programs: programs.map(url) });
}

const files = {
  'task.mjs': "import './part.mjs';\nimport 'library';\nconst later = () => import('./later.mjs');\n",
  'part.mjs': "export * from './task.mjs';\nexport const a = 1;\n",
  'later.mjs': 'export const b = 1;\n',
  'program.py': 'print(1)\n',
  'unrelated.mjs': 'export const c = 1;\n',
  'node_modules/library/package.json': '{"name":"library","version":"1.0.0"}',
};

describe('the version of code', () => {
  const version = versionOf(files, ['program.py']);

  it('is the same wherever the code lies', () => {
    expect(version).toMatch(/^[0-9a-f]{64}$/);
    expect(versionOf(files, ['program.py'])).toBe(version);
    expect(versionOf({ ...files, 'unrelated.mjs': 'changed' }, ['program.py'])).toBe(version);
  });

  it.each([
    ['task.mjs', `${files['task.mjs']}// changed`],
    ['part.mjs', `${files['part.mjs']}// changed`],
    ['later.mjs', 'export const b = 2;\n'],
    ['program.py', 'print(2)\n'],
    ['node_modules/library/package.json', '{"name":"library","version":"1.0.1"}'],
  ])('changes with %s', (name, text) => {
    expect(versionOf({ ...files, [name]: text }, ['program.py'])).not.toBe(version);
  });

  it('changes when two files change places', () => {
    const two = {
      'task.mjs': "import './a.mjs';\nimport './b.mjs';\n",
      'a.mjs': 'a();\n',
      'b.mjs': 'b();\n',
    };
    expect(versionOf({ ...two, 'a.mjs': two['b.mjs'], 'b.mjs': two['a.mjs'] })).not.toBe(versionOf(two));
  });

  it("changes with what is built of the workspace's packages", () => {
    const one = (text: string) =>
      versionOf({
        'task.mjs': "import '@proj/tool';\n",
        'node_modules/@proj/tool/package.json':
          '{"name":"@proj/tool","version":"0.1.0","dependencies":{"deep":"1"}}',
        'node_modules/@proj/tool/dist/index.js': text,
        'node_modules/deep/package.json': '{"name":"deep","version":"1.0.0"}',
      });
    expect(one('a')).toBe(one('a'));
    expect(one('a')).not.toBe(one('b'));
  });

  it("changes with what the workspace's packages want beside them", () => {
    const one = (version: string) =>
      versionOf({
        'task.mjs': "import '@proj/tool';\n",
        'node_modules/@proj/tool/package.json':
          '{"name":"@proj/tool","version":"0.1.0","peerDependencies":{"kernels":"4"}}',
        'node_modules/kernels/package.json': `{"name":"kernels","version":"${version}"}`,
      });
    expect(one('4.0.0')).not.toBe(one('4.0.1'));
  });
});

/** In this file, so that it is exported by the module that it names. */
export const task = defineTask({
  name: 'measure',
  module: import.meta.url,
  run: async (): Promise<Json> => null,
});

const run = task.run;
export const twin = defineTask({ name: 'twin', module: import.meta.url, run });
export const otherTwin = defineTask({ name: 'twin', module: import.meta.url, run });

type Change = {
  of?: typeof task;
  name?: string;
  label?: string;
  config?: Json;
  seed?: number;
  data?: string[];
  timing?: boolean;
  needs?: Job['needs'];
};

async function idOf({
  of = task,
  name = 'one',
  label = 'job',
  config = 1,
  seed = 0,
  data = [],
  timing = false,
  needs = {},
}: Change) {
  const preset = { about: '', settings: {} };
  const experiment: Experiment = defineExperiment({
    name,
    title: '',
    about: '',
    presets: { smoke: preset, study: preset, full: preset },
    jobs: () => [job(of, { label, config: { b: 1, a: config }, seed, data, needs, resources: { timing } })],
    report: () => [],
  });
  return (await makePlan(experiment, import.meta.url, 'smoke', {})).jobs.at(-1)!.id;
}

describe("a job's id", () => {
  it('is what it computes: not its label, not its experiment', async () => {
    const id = await idOf({});
    expect(id).toMatch(/^[0-9a-f]{16}$/);
    expect(await idOf({ label: 'other', name: 'two' })).toBe(id);
  });

  it.each<Change>([{ config: 2 }, { seed: 1 }, { data: ['digits'] }, { timing: true }])(
    'changes with %j',
    async (change) => {
      expect(await idOf(change)).not.toBe(await idOf({}));
    },
  );

  it('changes with what it needs, under whatever name', async () => {
    const need = job(task, { label: 'need', config: {} });
    const ids = await Promise.all(
      [{}, { model: need }, Object.fromEntries([['__proto__', need]])].map((needs) => idOf({ needs })),
    );
    expect(new Set(ids).size).toBe(3);
  });

  it('has a whole number as its seed', async () => {
    for (const seed of [0.5, Number.NaN, 2 ** 60])
      await expect(idOf({ seed })).rejects.toMatchObject({ code: 'BENCH_EXPERIMENT_INVALID' });
  });

  it('is refused where two tasks have its name', async () => {
    await expect(idOf({ of: twin })).rejects.toThrow('exports two tasks called "twin"');
  });

  it('is refused where the configuration is not JSON', async () => {
    for (const config of [Number.NaN, new Float32Array(1) as unknown as Json])
      await expect(idOf({ config })).rejects.toMatchObject({ code: 'BENCH_EXPERIMENT_INVALID' });
  });
});
