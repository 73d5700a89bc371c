import { afterEach, expect, it } from 'vitest';
import { EngineProcess } from './engine-process.ts';
import { measureRow } from './interleave.ts';
import type { Task } from './tasks.ts';

const task: Task = { kind: 'peak', operation: 'fma' };
const started: EngineProcess[] = [];
afterEach(() => Promise.all(started.splice(0).map((engine) => engine.end())));

/** An engine in a process of its own that answers requests with the JavaScript expressions given. */
async function engine(answers: { prepare: string; run?: string }): Promise<EngineProcess> {
  const program = `
    const { writeSync } = require('node:fs');
    const say = (reply) => writeSync(3, JSON.stringify(reply) + '\\n');
    console.log('what an engine prints is no reply');
    say({ about: 'test' });
    let runs = 0;
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const request = JSON.parse(line);
      if (request.do === 'prepare') say(${answers.prepare});
      if (request.do === 'run') { runs++; say(${answers.run ?? '{}'}); }
      if (request.do === 'release') say({ heapBytes: 65536 });
    });`;
  const started_ = new EngineProcess([process.execPath, '-e', program]);
  started.push(started_);
  expect(await started_.hello()).toEqual({ about: 'test' });
  return started_;
}

const measuring = { rounds: 4, clock: 'cpu', sampleSeconds: 1, warmUpSeconds: 3, alone: true } as const;

it('takes one sample of every engine in each round, of as many calls as fill the time', async () => {
  const entry = (column: string, answers: { prepare: string; run: string }) =>
    engine(answers).then((engine) => ({ column, engine, task }));
  const shares: number[] = [];
  const cells = await measureRow(
    [
      await entry('a', {
        prepare: '{ secondsPerCall: 0.25, check: [1, 2] }',
        run: '{ cpu: request.calls * runs, wall: 1e9 }',
      }),
      await entry('b', {
        prepare: '{ secondsPerCall: 3, check: [1.0001, 2] }',
        run: '{ cpu: 10 * request.calls, wall: 1e9 }',
      }),
    ],
    { ...measuring, tell: (share) => shares.push(share) },
  );
  expect(cells['a']).toEqual({
    seconds: { median: 2.5, q1: 1.75, q3: 3.25 },
    rounds: [1, 2, 3, 4],
    calls: 4,
    heapBytes: 65536,
  });
  expect(cells['b']).toMatchObject({ rounds: [10, 10, 10, 10], calls: 1 });
  expect(shares.at(-1)).toBe(1);
  expect(shares).toHaveLength(2 + 2 * 4);
});

it('gives no times for an engine that cannot do it, fails, ends, or computes something else', async () => {
  const good = '{ secondsPerCall: 1, check: [1, 2, 3] }';
  const run = '{ cpu: 1, wall: 1 }';
  const answers = {
    good: { prepare: good, run },
    unable: { prepare: "{ unsupported: 'no such thing' }" },
    failing: { prepare: "{ failed: 'no memory' }" },
    wrong: { prepare: '{ secondsPerCall: 1, check: [1, 2.1] }', run },
    infinite: { prepare: '{ secondsPerCall: 1, check: [NaN] }', run },
    late: { prepare: good, run: `runs === 3 ? { failed: 'no more' } : ${run}` },
    ending: { prepare: good, run: `runs === 2 ? process.exit(7) : ${run}` },
  };
  const entries = [];
  for (const [column, answer] of Object.entries(answers)) {
    entries.push({ column, engine: await engine(answer), task });
  }
  let last = 0;
  const cells = await measureRow(entries, { ...measuring, tell: (share) => (last = share) });
  expect(cells).toMatchObject({
    good: { rounds: [1, 1, 1, 1] },
    unable: { missing: 'no such thing' },
    failing: { missing: 'failed: no memory' },
    wrong: { missing: 'failed: its result begins with 1, 2.1, that of good with 1, 2, 3' },
    infinite: { missing: 'failed: its result begins with ' },
    late: { missing: 'failed: no more' },
    ending: { missing: 'failed: it ended with exit code 7' },
  });
  expect(last).toBe(1);
});

it('says of a command that is not there that it is not', async () => {
  const absent = new EngineProcess(['/no/such/engine']);
  expect(await absent.hello()).toEqual({ failed: 'spawn /no/such/engine ENOENT' });
  await absent.end();
});
