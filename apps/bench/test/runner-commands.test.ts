import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { experiment, workplace } from './bench-process.ts';

const { folder, bench, start, json, noted, forget } = workplace();
const walk = experiment('walk');
const quick = ['--set', 'steps=3', '--set', 'pause=0'];

beforeAll(async () => {
  expect(await bench(['run', walk, ...quick])).toMatchObject({ code: 0 });
});

describe('bench', () => {
  it.each(['list', 'plan', 'run', 'status', 'retry', 'report', 'worker', 'serve', 'demo'])(
    '%s has help with examples',
    async (command) => {
      const { code, stdout } = await bench([command, '--help']);
      expect(code).toBe(0);
      expect(stdout).toMatch(/Examples:\n {2}npm run /);
      expect(stdout).toContain('--json');
    },
  );

  it('lists the experiments with presets and settings', async () => {
    const { stdout } = await bench(['list']);
    for (const name of ['kernels', 'demo', 'rws-smoke'])
      expect(stdout).toMatch(new RegExp(`^${name}: `, 'm'));
    expect((await bench(['list', 'demo'])).stdout).toContain('\n      severity=5\n');
    const { schema, experiments } = await json<{
      schema: string;
      experiments: { name: string; presets: object }[];
    }>(['list']);
    expect(schema).toBe('proj.bench.list/1');
    for (const { presets } of experiments) expect(Object.keys(presets)).toEqual(['smoke', 'study', 'full']);
  });

  it('plans what is to do, and what is done already', async () => {
    const { stdout } = await bench(['plan', walk, '--each', ...quick, '--set', 'walks=3']);
    expect(stdout).toContain('2 of 4 jobs to do: about ');
    expect(stdout).toContain('as 2 finished jobs took');
    expect(stdout).toMatch(/walk 1 +│ done/);
    expect(stdout).toMatch(/walk 2 +│ queued/);
    expect(stdout).toMatch(/sum +│ waiting/);
    const planned = await json(['plan', walk, ...quick]);
    expect(planned).toMatchObject({
      schema: 'proj.bench.planned/1',
      estimate: { jobs: 3, done: 3, seconds: 0 },
    });
  });

  it('runs nothing that is done, prints the tables, and names the report', async () => {
    const { code, stdout, stderr } = await bench(['run', walk, ...quick, '--out', 'report']);
    expect(code).toBe(0);
    expect(stderr).toContain('All 3 jobs are done.');
    expect(stderr).not.toContain('running');
    expect(stdout).toMatch(/walk 1 +│/);
    const page = /file:\/\/[^\s)]+/.exec(stderr)![0];
    expect(existsSync(new URL(page))).toBe(true);
    expect(existsSync(join(folder, 'report', 'index.html'))).toBe(true);
  });

  it('finds the store that PROJ_BENCH_STORE names', async () => {
    const { stdout } = await bench(['plan', walk, ...quick], { PROJ_BENCH_STORE: join(folder, 'other') });
    expect(stdout).toContain('3 of 3 jobs to do');
  });

  it('shows from another terminal how far a run is', async () => {
    forget();
    const { child, ended } = start(['run', walk, '--store', 'watched', '--jobs', '1', '--set', 'steps=1000']);
    await noted(/^walk-\d step 150$/);
    const status = await bench(['status', '--store', 'watched']);
    expect(status.stdout).toContain('walk-smoke-');
    expect(status.stdout).toContain('1 running, 1 queued, 1 waiting');
    expect(status.stdout).toMatch(/running +│ \d+\/1000 /);
    child.kill('SIGINT');
    expect((await ended).code).toBe(130);
  });

  it('says where a run is that has ended, or was never begun', async () => {
    expect((await bench(['status', walk, ...quick])).stdout).toContain('3 done');
    expect((await bench(['status', walk])).stdout).toContain('2 queued, 1 waiting');
    const none = await bench(['status', '--store', 'none']);
    expect(none).toMatchObject({ code: 0, stdout: '' });
    expect(none.stderr).toContain('nothing was run');
    const { runs } = await json<{ runs: { run: string; jobs: { state: string }[] }[] }>(['status']);
    expect(runs[0]!.jobs.map(({ state }) => state)).toEqual(['done', 'done', 'done']);
  });
});

describe('what is refused', () => {
  it.each([
    [['run', 'kernel'], 'there is no experiment "kernel"; did you mean "kernels"?'],
    [['run', './nowhere.mjs'], 'there is no file ./nowhere.mjs'],
    [['run', walk, '--set', 'step=3'], 'there is no setting "step"; did you mean "steps"?'],
    [['run', walk, '--set', 'steps=many'], 'setting steps: "many" is not a number'],
    [['run', walk, '--set', 'steps'], 'it must be of the form name=value'],
    [['run', walk, '--preset', 'huge'], 'Allowed choices are smoke, study, full'],
    [['run', walk, '--jobs', '0'], 'it must be a number, at least 1'],
    [['run', walk, '--quue', 'x'], 'Did you mean --queue?'],
    [['retry', walk], "required option '--failed'"],
    [['rn'], 'Did you mean run?'],
  ])('%j ends with 2 and says why', async (args, why) => {
    const { code, stderr } = await bench(args);
    expect(code).toBe(2);
    expect(stderr).toContain(why);
  });

  it('is a document with --json', async () => {
    expect(await json(['run', 'kernel'])).toMatchObject({
      schema: 'proj.error/1',
      code: 'BENCH_UNKNOWN',
      exit: 2,
    });
    expect(await json(['run', walk, '--jobs', 'x'])).toMatchObject({ schema: 'proj.error/1', exit: 2 });
  });

  it('are modules that describe no experiment, or one of another name', async () => {
    const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
    write('empty.mjs', 'export const a = 1;\n');
    write('renamed.mjs', `export { default } from ${JSON.stringify(walk)};\n`);
    write('typed.ts', 'export default 1 as number;\n');
    expect((await bench(['plan', './empty.mjs'])).stderr).toContain('has no default export made with');
    expect((await bench(['plan', './renamed.mjs'])).stderr).toContain(
      'describes an experiment called "walk"',
    );
    const typed = (await bench(['plan', './typed.ts'])).stderr;
    expect(typed).toMatch(/compile it to JavaScript first|has no default export/);
  });

  it('is an experiment whose jobs need each other, or whose task nobody finds', async () => {
    const about = "about: '', title: '', report: () => []";
    const presets = 'presets: { smoke: { settings: {} }, study: { settings: {} }, full: { settings: {} } }';
    const api = new URL('../dist/experiment.js', import.meta.url).href;
    const write = (name: string, jobs: string) =>
      writeFileSync(
        join(folder, `${name}.mjs`),
        `import { job } from '${api}';
         const task = { name: 'hidden', module: import.meta.url, run: async () => 1 };
         export const known = { name: 'known', module: import.meta.url, run: async () => 1 };
         export default { name: '${name}', ${about}, ${presets}, jobs: () => ${jobs} };`,
      );
    write(
      'circle',
      "{ const a = { ...job(known, { label: 'a', config: {} }), needs: {} }; a.needs.a = a; return [a]; }",
    );
    write('hidden', "[job(task, { label: 'a', config: {} })]");
    write('none', '[]');
    write('date', "[job(known, { label: 'a', config: { at: NaN } })]");
    expect((await bench(['plan', './circle.mjs'])).stderr).toContain('"a" needs itself');
    expect((await bench(['plan', './hidden.mjs'])).stderr).toContain('must export the task "hidden"');
    expect((await bench(['plan', './none.mjs'])).stderr).toContain('these settings make no job');
    expect((await bench(['plan', './date.mjs'])).stderr).toContain('the configuration of "a" is not JSON');
  });
});

describe('without --queue', () => {
  /** All modules that this and the processes which it starts load. */
  async function loaded(name: string, args: readonly string[]): Promise<string[]> {
    const records = join(folder, name);
    mkdirSync(records);
    await bench(args, { NODE_V8_COVERAGE: records });
    return readdirSync(records).flatMap((file) =>
      (JSON.parse(readFileSync(join(records, file), 'utf8')) as { result: { url: string }[] }).result.map(
        ({ url }) => url,
      ),
    );
  }

  it('nothing of Redis is loaded', async () => {
    const here = await loaded('local', ['run', walk, ...quick, '--set', 'walks=1', '--store', 'local-store']);
    expect(here.some((url) => url.endsWith('/walk-tasks.mjs'))).toBe(true);
    expect(here.filter((url) => /\/(bullmq|ioredis|@bull-board)\//.test(url))).toEqual([]);
    // So would be seen what is.
    const there = await loaded('queue', ['run', walk, ...quick, '--queue', 'redis://127.0.0.1:1']);
    expect(there.some((url) => url.includes('/bullmq/'))).toBe(true);
  });
});
