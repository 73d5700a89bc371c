import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Experiment } from '../src/experiment.ts';
import { terminalReport, writeReport } from '../src/report/index.ts';
import type { Section } from '../src/report/section.ts';
import { sha256Of } from '../src/runner/identity.ts';
import type { Plan } from '../src/runner/plan.ts';
import { runName } from '../src/runner/plan.ts';
import { Store } from '../src/runner/store.ts';
import { finish, planOf, sample } from './report-sample.ts';

let root: string;
let store: Store;
let out: string;
const plan = planOf(sample);

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'bench-report-'));
  store = new Store(join(root, 'store'));
  out = join(root, 'out');
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function finishJobs(count: number): Promise<void> {
  for (const [i, spec] of plan.jobs.slice(0, count).entries()) await finish(store, spec, i);
}

const read = (name: string, folder = out) => readFile(join(folder, name), 'utf8');

/** SHA-256 of every file. */
async function tree(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const files = await Promise.all(
    paths.map(async (path) => [path.slice(folder.length + 1), sha256Of(await readFile(path))] as const),
  );
  return new Map(files.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** An experiment with the sample's jobs that makes these sections. */
const showing = (...sections: Section[]): Experiment => ({ ...sample, report: () => sections }) as Experiment;

describe('a report', () => {
  test('is the same bytes for the same store', async () => {
    await finishJobs(9);
    const first = await writeReport(plan, store, sample, out);
    const again = await writeReport(plan, store, sample, join(root, 'again'));
    expect(await tree(out)).toEqual(await tree(join(root, 'again')));
    expect([...(await tree(out)).keys()]).toEqual(first.files);
    expect(again.files).toEqual(first.files);
  });

  test('holds raw results, hashes and machines in report.json, unrounded', async () => {
    await finishJobs(9);
    await writeReport(plan, store, sample, out);
    const json = JSON.parse(await read('report.json'));
    expect(json).toMatchObject({
      schema: 'proj.bench.report/1',
      experiment: 'sample',
      preset: 'smoke',
      run: 'npm run bench -- run sample --preset smoke',
      settings: { seeds: [0, 1, 2] },
    });
    expect(json.jobs).toHaveLength(9);
    expect(json.jobs[1]).toMatchObject({
      id: plan.jobs[1]!.id,
      state: 'done',
      result: { clean: 97 + 1 / 3, corrupted: 89.5 - 1 / 7 },
      run: { attempts: 2, machine: { processor: 'AMD EPYC 9B14' } },
    });
    expect(json.jobs[1].resultSha256).toMatch(/^[0-9a-f]{64}$/);
    expect(json.sections[0].rows[0][2]).toMatchObject({ mean: (97 * 3 + 1) / 3, n: 3 });
  });

  test('gives means with intervals in every form', async () => {
    await finishJobs(9);
    await writeReport(plan, store, sample, out);
    // 97, 97 1/3, 97 2/3: their standard deviation is 1/3, their interval ± 4.30 / (3 √3).
    expect(await read('index.html')).toContain('<td class="number">97.3 ± 0.8</td>');
    expect(await read('report.md')).toMatch(/\| fog +\| +1000 \| 97\.3 ± 0\.8 \|/);
    expect(await terminalReport(plan, store, sample)).toMatch(/│ fog +│ +1000 │ 97\.3 ± 0\.8 │/);
    const [head, fog] = (await read('data/01-accuracy-on-the-test-images.csv')).split('\r\n');
    expect(head).toContain('"clean, %, mean","clean, %, low","clean, %, high","clean, %, n"');
    const [, , mean, low, high, n] = fog!.split(',').map(Number);
    expect([mean, n]).toEqual([(97 * 3 + 1) / 3, 3]);
    expect(high! - mean!).toBeCloseTo(4.3026527297 / (3 * Math.sqrt(3)), 9);
    expect(mean! - low!).toBeCloseTo(high! - mean!, 9);
  });

  test('states for every figure and table the command and the jobs, and where all comes from', async () => {
    await finishJobs(9);
    await writeReport(plan, store, sample, out);
    for (const text of [await read('index.html'), await read('report.md')]) {
      // Seven figures and tables of eight sections, and the head.
      expect(text.split('npm run bench -- run sample --preset smoke')).toHaveLength(1 + 1 + 7);
      for (const { id, identity } of plan.jobs)
        for (const fact of [id, identity.code, ...Object.values(identity.data)]) expect(text).toContain(fact);
      for (const fact of ['AMD EPYC 9B14', 'v8 11.3.244.8', 'relaxed', 'seeds 0, 1, 2'])
        expect(text).toContain(fact);
      const { jobs } = JSON.parse(await read('report.json'));
      for (const { resultSha256, files } of jobs)
        for (const sha256 of [resultSha256, ...files.map((file: { sha256: string }) => file.sha256)])
          expect(text).toContain(sha256);
    }
  });

  test('refers in Markdown to files that are there', async () => {
    await finishJobs(9);
    const { files } = await writeReport(plan, store, sample, out);
    const markdown = await read('report.md');
    const named = [...markdown.matchAll(/\]\(([^)]+)\)|src="([^"]+)"/g)].map(([, link, src]) => link ?? src);
    expect(named.length).toBeGreaterThan(10);
    for (const name of named) expect(files).toContain(name);
  });

  test('keeps what jobs wrote down, byte for byte, one folder a job for TensorBoard', async () => {
    await finishJobs(2);
    const { files } = await writeReport(plan, store, sample, out);
    expect(await read('metrics/fog-seed-0.jsonl')).toBe(
      await read('files/metrics.jsonl', store.folder(plan.jobs[0]!.id)),
    );
    expect(files.filter((file) => file.startsWith('tensorboard/'))).toEqual([
      `tensorboard/fog-seed-0/events.out.tfevents.1777629600.${plan.jobs[0]!.id}`,
      `tensorboard/fog-seed-1/events.out.tfevents.1777716000.${plan.jobs[1]!.id}`,
    ]);
  });

  test('gives jobs whose labels make the same file name files of their own, inside the folder', async () => {
    const labels = ['../../fog', '/FOG', '..', '漢字'.repeat(99), '漢字'.repeat(99)];
    const other: Plan = {
      ...plan,
      jobs: plan.jobs.slice(0, 5).map((spec, i) => ({ ...spec, label: labels[i]! })),
    };
    for (const [i, spec] of other.jobs.entries()) await finish(store, spec, i);
    const { files } = await writeReport(other, store, sample, out);
    expect(files.filter((file) => file.startsWith('metrics/'))).toEqual(
      [
        'fog',
        `FOG-${other.jobs[1]!.id}`,
        'job',
        '漢字'.repeat(35),
        `${'漢字'.repeat(35)}-${other.jobs[4]!.id}`,
      ]
        .map((name) => `metrics/${name}.jsonl`)
        .sort(),
    );
  });

  test('removes the files of the report before it, and no others', async () => {
    await finishJobs(9);
    const table: Section = { kind: 'table', title: 'Before', head: ['a'], rows: [[1]] };
    await writeReport(plan, store, showing(table), out);
    await writeFile(join(out, 'notes.txt'), 'mine');
    await writeReport(plan, store, showing({ ...table, title: 'After' }), out);
    expect(await readdir(join(out, 'data'))).toEqual(['01-after.csv']);
    expect(await read('notes.txt')).toBe('mine');
  });

  test('removes nothing outside of its folder, whatever an earlier report.json says', async () => {
    await finishJobs(1);
    await mkdir(out);
    await writeFile(join(root, 'mine.txt'), 'mine');
    const files = ['../mine.txt', 'data/../../mine.txt', 7];
    await writeFile(join(out, 'report.json'), JSON.stringify({ schema: 'proj.bench.report/1', files }));
    await writeReport(plan, store, sample, out);
    expect(existsSync(join(root, 'mine.txt'))).toBe(true);
  });
});

describe('of a run that is not finished, a report', () => {
  test('lists what failed, is blocked and is missing, and the command that goes on', async () => {
    await finishJobs(2);
    const [, , failing, blocked, alsoBlocked] = plan.jobs;
    const needing = (spec: typeof failing, need: string) => ({
      ...spec!,
      identity: { ...spec!.identity, needs: { model: need } },
    });
    const jobs = [...plan.jobs];
    jobs[3] = needing(blocked, failing!.id);
    jobs[4] = needing(alsoBlocked, blocked!.id);
    await store.describe(failing!);
    await store.fail(failing!.id, {
      schema: 'proj.bench.failure/1',
      attempts: 3,
      message: 'loss is <NaN>',
      log: [],
    });
    const partial = { ...plan, jobs, overrides: { seeds: '0,1', name: "it's" } };
    const { report } = await writeReport(partial, store, sample, out);
    expect(report.jobs.map(({ state }) => state)).toEqual([
      ...['done', 'done', 'failed', 'blocked', 'blocked'],
      ...['missing', 'missing', 'missing', 'missing'],
    ]);
    const goOn = `npm run bench -- retry sample --preset smoke --set seeds=0,1 --set 'name=it'\\''s' --failed`;
    const html = await read('index.html');
    expect(html).toContain('7 of 9 jobs not done: 1 failed, 2 blocked, 4 missing');
    expect(html).toContain('loss is &lt;NaN&gt;');
    for (const text of [await read('report.md'), await terminalReport(partial, store, sample)]) {
      expect(text).toContain('7 of 9 jobs not done');
      expect(text).toContain(goOn);
      expect(text).toContain('needs fog, seed 2');
    }
  });

  test('says what stands in the way where the experiment cannot make its tables yet', async () => {
    await finishJobs(1);
    const hasty: Experiment = {
      ...sample,
      report() {
        throw new Error('contrast is not there');
      },
    } as Experiment;
    await writeReport(plan, store, hasty, out);
    expect(await read('report.md')).toContain('contrast is not there');
    await finishJobs(9);
    await expect(writeReport(plan, store, hasty, out)).rejects.toThrow('contrast is not there');
  });

  test('is a list of jobs where nothing is done', async () => {
    const { report } = await writeReport(plan, store, sample, out);
    expect(report.sections).toEqual([]);
    expect(await read('index.html')).toContain('9 of 9 jobs not done: 9 missing');
  });

  test('shows one seed without an interval, and says so', async () => {
    await finishJobs(1);
    await writeReport(plan, store, sample, out);
    expect(await read('report.md')).toMatch(/\| fog +\| +1000 \| +97\.0 \|/);
    expect(await read('report.md')).toContain('One seed: there is no interval.');
  });
});

describe('figures', () => {
  const line = (points: readonly { x: number; y: number }[]): Section => ({
    kind: 'lines',
    title: 'Loss',
    x: 'step',
    y: 'loss',
    series: [{ name: 'fog', points }],
  });

  test('without a number to draw say so, in the page and in Markdown', async () => {
    await finishJobs(1);
    const { files } = await writeReport(
      plan,
      store,
      showing(
        line([]),
        line([{ x: 1, y: Number.NaN }]),
        {
          kind: 'heat-map',
          title: 'Empty',
          value: 'v',
          columns: ['a'],
          rows: [{ name: 'r', values: [null] }],
        },
        { kind: 'heat-map', title: 'None', value: 'v', columns: [], rows: [] },
        { kind: 'images', title: 'No images', images: [], width: 84 },
        { kind: 'table', title: 'No rows', head: ['a'], rows: [] },
        { kind: 'published', title: 'Nothing published', rows: [] },
      ),
      out,
    );
    expect(files.filter((file) => file.startsWith('figures/'))).toEqual([]);
    for (const name of ['index.html', 'report.md'])
      expect((await read(name)).split('There is nothing to draw yet.')).toHaveLength(1 + 4);
  });

  test('leave out what is not finite and keep it in the data', async () => {
    await finishJobs(1);
    const points = [
      { x: 0, y: 1 },
      { x: 1, y: Number.NaN },
      { x: 2, y: 3 },
      { x: 3, y: Number.POSITIVE_INFINITY },
    ];
    await writeReport(plan, store, showing(line(points)), out);
    const svg = await read('figures/01-loss.svg');
    expect(svg).toContain('fog: 1 at 0; 3 at 2.');
    expect(svg).not.toMatch(/NaN|Infinity/);
    expect(await read('data/01-loss.csv')).toBe(
      'series,step,loss\r\nfog,0,1\r\nfog,1,NaN\r\nfog,2,3\r\nfog,3,Infinity\r\n',
    );
    expect(JSON.parse(await read('report.json')).sections[0].series[0].points[1]).toEqual({ x: 1, y: 'NaN' });
  });

  test('say in words what they show', async () => {
    await finishJobs(9);
    await writeReport(plan, store, sample, out);
    const html = await read('index.html');
    expect(html).toContain('accuracy, % over strength α of the patch. fog images: 62 (60 to 64) at 0;');
    expect(html).toContain('A vertical rule at 1.');
    expect(html).toContain('fog: 120 points; first 2.4 at 0; last 0.1622 at 1190; lowest');
    expect(html).toContain(
      'Lowest 0.14 (head.weight, fog), highest 0.682 (patch_embed.proj.weight, contrast).',
    );
    expect(html).toContain('1 cell is empty.');
  });

  test('of many points stand below the drawing thinned out, the last one kept, and whole in the data', async () => {
    await finishJobs(9);
    await writeReport(plan, store, sample, out);
    const html = await read('index.html');
    expect(html).toContain('One point in 3.');
    expect(html).toContain('<th scope="row">1190</th>');
    expect((await read('data/03-training-loss.csv')).split('\r\n')).toHaveLength(1 + 3 * 120 + 1);
  });
});

describe('the command', () => {
  const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
  const bench = (...args: string[]) =>
    promisify(execFile)(process.execPath, [main, 'report', '--store', store.root, ...args]);

  /** A recorded run of an experiment that lies outside of the app. */
  async function record(): Promise<Plan> {
    const module = join(root, 'outside.mjs');
    const preset = { about: '', settings: {} };
    const description = { name: 'outside', title: 'From outside', about: 'A module of one’s own.' };
    await writeFile(
      module,
      `const preset = ${JSON.stringify(preset)};
export default {
  ...${JSON.stringify(description)},
  presets: { smoke: preset, study: preset, full: preset },
  jobs: () => [],
  report: ({ of }) => [
    { kind: 'table', title: 'Accuracy', head: ['seed', '%'], rows: of({ name: 'sample-train' }).map((job) => [String(job.seed), job.result.clean]) },
  ],
};
`,
    );
    const recorded: Plan = { ...plan, experiment: 'outside', module: pathToFileURL(module).href };
    await store.saveRun(runName(recorded), recorded);
    return recorded;
  }

  test('reports on every run of a store, and prints the tables', async () => {
    await record();
    await finishJobs(2);
    const { stdout } = await bench();
    expect(stdout).toContain('From outside');
    expect(stdout).toContain('7 of 9 jobs not done');
    expect(stdout).toMatch(/│ 1 +│ 97\.3 │/);
    expect(existsSync(join(store.root, 'reports/outside-smoke/index.html'))).toBe(true);
  });

  test('prints one JSON document, and writes where it is told', async () => {
    await record();
    await finishJobs(9);
    const { stdout } = await bench('--json', '--out', out);
    const { schema, reports } = JSON.parse(stdout);
    expect(schema).toBe('proj.bench.reports/1');
    expect(reports).toMatchObject([
      { run: 'outside-smoke', jobs: 9, done: 9, html: join(out, 'outside-smoke/index.html') },
    ]);
    expect(existsSync(reports[0].html)).toBe(true);
  });

  test('reports on a run as it was recorded, though the experiment has other jobs by now', async () => {
    await record();
    await finishJobs(2);
    const { stdout } = await bench(join(root, 'outside.mjs'), '--preset', 'smoke');
    expect(stdout).toContain('7 of 9 jobs not done');
  });

  test('says that nothing was run', async () => {
    await expect(bench()).rejects.toMatchObject({ stderr: expect.stringContaining('nothing was run') });
  });

  test('has help with examples', async () => {
    expect((await bench('--help')).stdout).toContain('Examples:');
  });
});
