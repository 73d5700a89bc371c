import { describe, expect, it } from 'vitest';
import type { Resources } from '../experiment.ts';
import { type Capacity, fits, queueName, requirementOf, satisfies } from './requirement.ts';

const capacity: Capacity = { cores: 4, memoryGiB: 8, tags: ['gpu'], machine: 'here' };
const wanted = (resources: Resources, machine?: string) =>
  requirementOf({ resources, identity: { ...identity, ...(machine !== undefined && { machine }) } });
const identity = { task: 't', config: {}, seed: 0, data: {}, needs: {}, code: '' };

describe('what a job requires of a worker', () => {
  it('has one queue for all that require the same, in whatever order they say it', () => {
    const name = queueName(wanted({ tags: ['gpu', 'a:b', 'gpu'] }));
    expect(name).toBe(queueName(wanted({ cores: 1, memoryGiB: 1, tags: ['a:b', 'gpu'] })));
    expect(name).not.toContain(':');
    expect(name).not.toBe(queueName(wanted({ tags: ['gpu', 'a:b'], memoryGiB: 2 })));
  });

  it('is its tags, its memory, and the machine whose time it measures', () => {
    expect(satisfies(capacity, wanted({ memoryGiB: 8, tags: ['gpu'], cores: 64 }))).toBe(true);
    expect(satisfies(capacity, wanted({ memoryGiB: 9 }))).toBe(false);
    expect(satisfies(capacity, wanted({ tags: ['gpu', 'big'] }))).toBe(false);
    expect(satisfies(capacity, wanted({}, 'here'))).toBe(true);
    expect(satisfies(capacity, wanted({}, 'elsewhere'))).toBe(false);
  });

  it('fits beside what runs as long as cores and memory last', () => {
    const running = [wanted({ cores: 2, memoryGiB: 5 }), wanted({})];
    expect(fits(capacity, running, wanted({ memoryGiB: 2 }))).toBe(true);
    expect(fits(capacity, running, wanted({ memoryGiB: 3 }))).toBe(false);
    expect(fits(capacity, running, wanted({ cores: 2 }))).toBe(false);
    expect(fits(capacity, [], wanted({ cores: 64 }))).toBe(true);
  });

  it('lets a job that measures time run alone', () => {
    const timing = wanted({}, 'here');
    expect(fits(capacity, [], timing)).toBe(true);
    expect(fits(capacity, [wanted({})], timing)).toBe(false);
    expect(fits(capacity, [timing], wanted({}))).toBe(false);
  });
});
