import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { experiment, until, workplace } from './bench-process.ts';

const { bench, start, json, notes, noted, counts, forget, results } = workplace();

describe('two runners on one store', () => {
  const run = ['run', experiment('walk'), '--set', 'walks=4', '--jobs', '1', '--store', 'shared'];

  it('share the work, and no job runs twice', async () => {
    const both = await Promise.all([bench(run), bench(run)]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    const begun = counts(/begins/);
    expect([...begun.keys()].map((line) => line.split(' ')[0]).sort()).toEqual([
      'sum',
      'walk-0',
      'walk-1',
      'walk-2',
      'walk-3',
    ]);
    expect([...counts(/step|sum/).values()].every((n) => n === 1)).toBe(true);
    expect(both[0]!.stdout).toBe(both[1]!.stdout);
  });

  it('the one takes over when the other is killed', async () => {
    forget();
    const over = [...run.slice(0, -1), 'taken-over'];
    const first = start(over);
    await noted(/^walk-\d step 15$/);
    const second = start(over);
    await until(() => second.text.stderr.includes('running, on') || counts(/step 15$/).size === 2);
    first.child.kill('SIGKILL');
    expect((await second.ended).code).toBe(0);
    expect([...counts(/step/)].filter(([, n]) => n > 1).length).toBeLessThanOrEqual(10);
    expect(results('taken-over')).toEqual(results('shared'));
  });
});

describe('two experiments', () => {
  it('share the jobs that both have', async () => {
    forget();
    await bench(['run', experiment('walk'), '--store', 'two']);
    const { code, stderr } = await bench(['run', experiment('stroll'), '--store', 'two']);
    expect(code).toBe(0);
    expect(stderr).toContain('1 of 2 jobs to do');
    expect([...counts(/^walk-1 step/).values()].every((n) => n === 1)).toBe(true);
    expect(counts(/^walk-7 step/).size).toBe(60);
  });
});

interface Span {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

function spans(): Span[] {
  const at = (name: string, what: string) =>
    Number(new RegExp(`^${name} ${what} (\\d+)$`, 'm').exec(notes().join('\n'))![1]);
  const names = [...counts(/ from /).keys()].map((line) => line.split(' ')[0]!);
  return names.map((name) => ({ name, from: at(name, 'from'), to: at(name, 'to') }));
}

const overlap = (a: Span, b: Span) => a !== b && a.from < b.to && b.from < a.to;

describe('a job that measures time', () => {
  it('runs alone, in the middle of others and beside another runner, and on one processor', async () => {
    forget();
    const run = ['run', experiment('trouble'), '--preset', 'full', '--jobs', '2', '--store', 'timing'];
    const first = start(run);
    await noted(/^\w+-0 from/);
    const second = start(run);
    expect([(await first.ended).code, (await second.ended).code]).toEqual([0, 0]);
    const all = spans();
    expect(all).toHaveLength(6);
    const timed = all.filter(({ name }) => name.startsWith('timed'));
    for (const one of timed) expect(all.filter((other) => overlap(one, other))).toEqual([]);
    if (!existsSync('/usr/bin/taskset')) return;
    for (const [path, bytes] of results('timing')) {
      const { identity, result } = JSON.parse(Buffer.from(bytes, 'base64').toString()) as {
        identity: { task: string; machine?: string };
        result: { processors: string };
      };
      if (identity.task !== 'timed') continue;
      expect(result.processors, path).toMatch(/^\d+$/);
      expect(identity.machine).toMatch(/^[0-9a-f]{16}$/);
    }
  });

  it('others run at the same time', async () => {
    const all = spans().filter(({ name }) => name.startsWith('untimed'));
    expect(all.some((one) => all.some((other) => overlap(one, other)))).toBe(true);
  });

  it('is planned so, too', async () => {
    const plan = ['plan', experiment('trouble'), '--preset', 'full', '--jobs', '2', '--store', 'new'];
    // Two of 100 s one after the other, four of 100 s in pairs.
    expect(await json(plan)).toMatchObject({ estimate: { jobs: 6, done: 0, seconds: 400 } });
  });
});
