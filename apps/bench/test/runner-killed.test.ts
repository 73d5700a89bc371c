import { beforeAll, describe, expect, it } from 'vitest';
import { experiment, isRunning, until, workplace } from './bench-process.ts';

const { bench, start, notes, noted, counts, forget, results } = workplace();
const run = (store: string) => ['run', experiment('walk'), '--store', store, '--backoff', '0.1'];

let whole: Map<string, string>;

beforeAll(async () => {
  expect(await bench(run('whole'))).toMatchObject({ code: 0 });
  whole = results('whole');
});

/** Steps that ran more than once are those since the last checkpoint: every tenth step has one. */
function expectOnlyLostStepsAgain(again: number) {
  expect([...counts(/^walk-0 step/).keys()]).toHaveLength(60);
  expect([...counts(/^walk-1 step/).keys()]).toHaveLength(60);
  for (const walk of ['walk-0', 'walk-1']) {
    const repeated = [...counts(new RegExp(`^${walk} step`))].filter(([, n]) => n > 1);
    expect(repeated.length).toBeLessThanOrEqual(again);
    expect(repeated.every(([, n]) => n === 2)).toBe(true);
  }
}

describe('bench run', () => {
  it('leaves results, files and metrics', () => {
    expect([...whole.keys()].filter((path) => path.endsWith('result.json'))).toHaveLength(3);
    expect([...whole.keys()].filter((path) => path.endsWith('metrics.jsonl'))).toHaveLength(2);
  });

  it('goes on from the checkpoint of a job that is killed with -9, and ends in the same bytes', async () => {
    forget();
    const { ended } = start(run('job-killed'));
    const [, pid] = await noted(/^walk-0 begins as (\d+)/);
    await noted(/^walk-0 step 25$/);
    process.kill(Number(pid), 'SIGKILL');
    const { code, stderr } = await ended;
    expect(code).toBe(0);
    expect(stderr).toContain('walk 0: retrying, ');
    expect(stderr).toContain('it was ended by SIGKILL');
    expect(counts(/^walk-0 begins/).size).toBe(2);
    expectOnlyLostStepsAgain(10);
    expect(results('job-killed')).toEqual(whole);
  });

  it('goes on after the runner is killed with -9, whose jobs end with it, and ends in the same bytes', async () => {
    forget();
    const { child, ended } = start(run('runner-killed'));
    await noted(/^walk-0 step 25$/);
    child.kill('SIGKILL');
    await ended;
    for (const line of notes()) {
      const pid = / begins as (\d+)/.exec(line)?.[1];
      if (pid !== undefined) await until(() => !isRunning(Number(pid)));
    }
    expect((await bench(run('runner-killed'))).code).toBe(0);
    expectOnlyLostStepsAgain(10);
    expect(counts(/^sum begins/).get('sum begins')).toBe(1);
    expect(results('runner-killed')).toEqual(whole);
  });

  it('takes a job with it that never lets its event loop turn', async () => {
    forget();
    const { child, ended } = start(['run', experiment('trouble'), '--preset', 'study', '--store', 'busy']);
    const [, pid] = await noted(/^busy begins as (\d+)/);
    child.kill('SIGKILL');
    await ended;
    await until(() => !isRunning(Number(pid)));
  });

  it('stops such a job at Ctrl-C', async () => {
    forget();
    const { child, ended } = start(['run', experiment('trouble'), '--preset', 'study', '--store', 'busy']);
    await noted(/^busy begins/);
    child.kill('SIGINT');
    expect((await ended).code).toBe(130);
  });

  it('saves checkpoints at Ctrl-C, says how to go on, and repeats no step', async () => {
    forget();
    const { ended, pressControlC } = start(run('interrupted'));
    await noted(/^walk-1 step 25$/);
    pressControlC();
    const { code, stderr } = await ended;
    expect(code).toBe(130);
    expect(stderr).toMatch(
      /stopped; go on with:\n {2}npm run bench -- run \S+walk\.mjs --preset smoke --store interrupted/,
    );
    expect((await bench(['status', '--store', 'interrupted'])).stdout).toContain(
      'walk-smoke: 2 stopped, 1 waiting',
    );
    expect((await bench(run('interrupted'))).code).toBe(0);
    expectOnlyLostStepsAgain(0);
    expect(results('interrupted')).toEqual(whole);
  });

  it('ends at once at a second Ctrl-C, and its jobs with it', async () => {
    forget();
    const args = [
      'run',
      experiment('trouble'),
      '--preset',
      'study',
      '--set',
      'silent=true',
      '--store',
      'deaf',
    ];
    const { child, ended, text } = start(args);
    const [, pid] = await noted(/^busy begins as (\d+)/);
    child.kill('SIGTERM');
    await until(() => text.stderr.includes('Ctrl-C again ends at once'));
    child.kill('SIGINT');
    // The job would stop at its own next look; here there is none for it to come to.
    expect((await ended).code).toBe(130);
    await until(() => !isRunning(Number(pid)));
  });
});
