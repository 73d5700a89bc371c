import { describe, expect, it } from 'vitest';
import type { Resources } from '../experiment.ts';
import { criticalPaths, makespan, nextToStart } from './schedule.ts';
import type { JobSpec } from './spec.ts';

const spec = (id: string, needs: readonly string[] = [], resources: Resources = {}): JobSpec => ({
  schema: 'proj.bench.job/1',
  id,
  label: id,
  identity: {
    task: 'task',
    config: {},
    seed: 0,
    data: {},
    needs: Object.fromEntries(needs.map((need) => [need, need])),
    code: '',
  },
  module: '',
  resources,
  estimate: { seconds: 10, bytes: 0 },
});

const two = { cores: 2, memoryGiB: 8 };
const nothing = () => false;
const ten = () => 10;

describe('what starts next', () => {
  it('is the most urgent that fits', () => {
    const [wide, large, small] = [
      spec('wide', [], { cores: 2 }),
      spec('large', [], { memoryGiB: 8 }),
      spec('small'),
    ];
    expect(nextToStart([wide, small], [], two)).toBe(wide);
    expect(nextToStart([wide, large, small], [spec('other')], two)).toBe(small);
    expect(nextToStart([small], [spec('a'), spec('b')], two)).toBeUndefined();
  });

  it('is what is larger than the machine only when nothing else runs', () => {
    const huge = spec('huge', [], { cores: 64, memoryGiB: 512 });
    expect(nextToStart([huge], [], two)).toBe(huge);
    expect(nextToStart([huge], [spec('other')], two)).toBeUndefined();
    expect(nextToStart([spec('other')], [huge], two)).toBeUndefined();
  });

  it('is nothing beside a job that measures time, and such a job only when nothing runs', () => {
    const timed = spec('timed', [], { timing: true });
    const wide = { cores: 64, memoryGiB: 512 };
    expect(nextToStart([timed, spec('b')], [spec('a')], wide)?.id).toBe('b');
    expect(nextToStart([timed], [], wide)).toBe(timed);
    expect(nextToStart([spec('a'), timed], [timed], wide)).toBeUndefined();
  });
});

describe('a plan', () => {
  const chain = [spec('a'), spec('b', ['a']), spec('c', ['b']), spec('x'), spec('y'), spec('z')];

  it('is as urgent as what waits for it', () => {
    const paths = criticalPaths({ jobs: chain }, ten);
    expect(Object.fromEntries(paths)).toEqual({ a: 30, b: 20, c: 10, x: 10, y: 10, z: 10 });
  });

  it('takes as long as its longest chain where the longest comes first', () => {
    expect(makespan({ jobs: chain }, nothing, ten, two)).toBe(30);
    expect(makespan({ jobs: chain }, nothing, ten, { ...two, cores: 1 })).toBe(60);
    expect(makespan({ jobs: chain }, (id) => id === 'a' || id === 'b', ten, two)).toBe(20);
    expect(makespan({ jobs: chain }, () => true, ten, two)).toBe(0);
  });

  it('of a thousand jobs is simulated, too', () => {
    const jobs = Array.from({ length: 1000 }, (_, i) => spec(`${i}`, i < 500 ? [] : [`${i - 500}`]));
    expect(makespan({ jobs }, nothing, ten, two)).toBe(5000);
  });
});
