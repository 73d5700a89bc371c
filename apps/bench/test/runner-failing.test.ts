import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { experiment, workplace } from './bench-process.ts';

const { folder, bench, json, counts, forget } = workplace();

const trouble = (store: string, fails: number) => [
  experiment('trouble'),
  ...['--set', `fails=${fails}`, '--store', store, '--backoff', '0.1'],
];

interface Document {
  readonly jobs: readonly { readonly label: string; readonly state: string; readonly attempt?: number }[];
}

const stateOf = ({ jobs }: Document, label: string) => jobs.find((job) => job.label === label)?.state;

describe('a job that fails', () => {
  it('is tried again', async () => {
    forget();
    const { code, stderr } = await bench(['run', ...trouble('twice', 2)]);
    expect(code).toBe(0);
    expect(stderr.match(/fragile: retrying/g)).toHaveLength(2);
    expect(counts(/fragile begins/).get('fragile begins')).toBe(3);
  });

  it('is one whose result JSON would change, and says where', async () => {
    const { code, stderr } = await bench(['run', experiment('odd-results'), '--retries', '0']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/nothing: failed, .*it is undefined/);
    expect(stderr).toMatch(/number: failed, .*\.losses\[1\] is NaN/);
    expect(stderr).toMatch(/weights: failed, .*\.weights is a Float32Array/);
    expect(stderr).toContain('chatty: done');
    expect(stderr).not.toMatch(/about -/);
  });

  it('is given up then, with its last lines shown; what needs it is blocked, what does not is run', async () => {
    forget();
    const { code, stderr } = await bench(['run', ...trouble('never', -1), '--retries', '1']);
    expect(code).toBe(1);
    expect(counts(/fragile begins/).get('fragile begins')).toBe(2);
    expect(stderr).toContain('dependent: blocked, needs fragile');
    expect(stderr).toContain('1 job failed, 1 could not run because of that:');
    expect(stderr).toContain('broke at attempt 2');
    expect(stderr).toContain('what was printed before it broke');
    expect(stderr).toMatch(/try again with:\n {2}npm run bench -- retry \S+trouble\.mjs .*--failed/);
    expect(counts(/whole step/).size).toBe(1);
  });

  it('does not run again before it is asked for, and then does', async () => {
    forget();
    const again = await json<Document & { schema: string; report: string }>(['run', ...trouble('never', -1)]);
    expect(again).toMatchObject({ schema: 'proj.bench.run/1', stopped: false });
    expect(stateOf(again, 'fragile')).toBe('failed');
    expect(stateOf(again, 'dependent')).toBe('blocked');
    expect(readFileSync(again.report, 'utf8')).toContain('broke at attempt 2');
    expect(counts(/begins/).size).toBe(0);

    const [status] = (await json<{ runs: Document[] }>(['status', '--store', 'never'])).runs;
    expect(stateOf(status!, 'fragile')).toBe('failed');
    expect(stateOf(status!, 'whole')).toBe('done');

    const retried = await bench(['retry', ...trouble('never', -1), '--failed', '--retries', '0']);
    expect(retried.code).toBe(1);
    expect(counts(/fragile begins/).get('fragile begins')).toBe(1);
    expect(counts(/whole/).size).toBe(0);
  });

  it('runs with retry --failed to the end when it has been mended', async () => {
    forget();
    expect((await bench(['run', ...trouble('mended', 1), '--retries', '0'])).code).toBe(1);
    const { code, stderr } = await bench(['retry', '--failed', '--store', 'mended']);
    expect(stderr).toContain('dependent: done');
    expect(code).toBe(0);
    const finished = readdirSync(join(folder, 'mended', 'jobs'), { recursive: true, encoding: 'utf8' });
    expect(finished.filter((path) => path.endsWith('result.json'))).toHaveLength(3);
    expect(finished.filter((path) => /failure|progress|clock|scratch|making/.test(path))).toEqual([]);
  });

  it('is shown as stalled when it is silent, and killed when it stays so', async () => {
    forget();
    const { code, stderr } = await bench([
      ...['run', experiment('trouble'), '--preset', 'study', '--set', 'silent=true', '--store', 'silent'],
      ...['--retries', '0', '--stall-shown', '0.5', '--stall-killed', '2'],
    ]);
    expect(code).toBe(1);
    expect(stderr).toContain('busy: stalled');
    expect(stderr).toContain('busy: failed, silent for 2 s, killed');
  });
});

describe('a store', () => {
  const run = (store: string) => ['run', experiment('walk'), '--set', 'steps=3', '--store', store];

  it('that is damaged is refused with the name of the file', async () => {
    expect((await bench(run('damaged'))).code).toBe(0);
    const jobs = join(folder, 'damaged', 'jobs');
    for (const id of readdirSync(jobs)) writeFileSync(join(jobs, id, 'result.json'), '{"schema":');
    const { code, stderr } = await bench(run('damaged'));
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /jobs\/[0-9a-f]{16}\/result\.json is not JSON; remove it and run the experiment again/,
    );
  });

  it('that lacks part of a result is refused with the name of the folder', async () => {
    expect((await bench(run('partial'))).code).toBe(0);
    const jobs = join(folder, 'partial', 'jobs');
    const [id] = readdirSync(jobs);
    spawnSync('rm', [join(jobs, id!, 'run.json')]);
    expect((await bench(run('partial'))).stderr).toContain(
      `${id} has a result.json but no job.json or run.json`,
    );
  });

  it('that cannot be written is no failure of jobs', async () => {
    writeFileSync(join(folder, 'file'), '');
    const { code, stderr } = await bench(run('file/store'));
    expect(code).toBe(1);
    expect(stderr).toContain('ENOTDIR');
    expect(stderr).not.toContain('retrying');
  });

  const mount = (...args: string[]) => spawnSync('/bin/mount', args).status === 0;
  const tmpfs = (disk: string, size: string) => {
    mkdirSync(join(folder, disk));
    return mount('-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', join(folder, disk));
  };
  const canMount = tmpfs('tried', '1m') && spawnSync('/bin/umount', [join(folder, 'tried')]).status === 0;

  it.runIf(canMount)(
    'on a disk that is full ends the run with what is wrong, and goes on when there is room',
    async () => {
      expect(tmpfs('disk', '400k')).toBe(true);
      try {
        writeFileSync(join(folder, 'disk', 'filler'), Buffer.alloc(330_000));
        const full = await bench(run('disk/store'));
        expect(full.code).toBe(1);
        expect(full.stderr).toMatch(/ENOSPC|disk is full|no space/i);
        spawnSync('rm', [join(folder, 'disk', 'filler')]);
        expect((await bench(['retry', '--failed', ...run('disk/store').slice(1)])).code).toBe(0);
      } finally {
        spawnSync('/bin/umount', [join(folder, 'disk')]);
      }
    },
  );

  it('on a disk with too little room is warned of before', async () => {
    const { stderr, stdout } = await bench([
      'plan',
      experiment('walk'),
      '--set',
      'bytes=1e15',
      '--store',
      'small',
    ]);
    expect(stdout + stderr).toContain('WARNING: the disk has too little room');
  });
});
