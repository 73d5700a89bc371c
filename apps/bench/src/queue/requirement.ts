import type { Resources } from '../experiment.ts';
import type { JobSpec } from '../runner/spec.ts';

/** What a job wants of a worker. Jobs that want the same lie in one BullMQ queue, which is called by it. */
export interface Requirement {
  readonly cores: number;
  readonly memoryGiB: number;
  readonly tags: readonly string[];
  /** Fingerprint of the machine whose time is measured: only it may run the job, and nothing beside. */
  readonly machine?: string;
}

/** What a worker offers. */
export interface Capacity extends Requirement {
  /** Cores to keep busy. */
  readonly cores: number;
  /** Its own fingerprint. */
  readonly machine: string;
}

export function requirementOf({ resources, identity }: Pick<JobSpec, 'resources' | 'identity'>): Requirement {
  const { cores = 1, memoryGiB = 1, tags = [] }: Resources = resources;
  return {
    cores,
    memoryGiB,
    tags: [...new Set(tags)].sort(),
    ...(identity.machine !== undefined && { machine: identity.machine }),
  };
}

/** A name that says it; BullMQ allows no colon. */
export function queueName({ cores, memoryGiB, tags, machine }: Requirement): string {
  return [
    `cores-${cores}`,
    `memory-${memoryGiB}`,
    ...tags.map((tag) => `tag-${encodeURIComponent(tag)}`),
    ...(machine === undefined ? [] : [`timing-${machine}`]),
  ].join(' ');
}

export function described({ cores, memoryGiB, tags, machine }: Requirement): string {
  const parts = [
    `${memoryGiB} GiB of memory`,
    ...(cores > 1 ? [`${cores} cores`] : []),
    ...tags.map((tag) => `the tag ${tag}`),
    ...(machine === undefined ? [] : ['the machine that made the plan']),
  ];
  return parts.join(', ');
}

/** Whether a worker can ever run the job. Cores only say what else fits beside it. */
export const satisfies = (capacity: Capacity, { memoryGiB, tags, machine }: Requirement): boolean =>
  memoryGiB <= capacity.memoryGiB &&
  tags.every((tag) => capacity.tags.includes(tag)) &&
  (machine === undefined || machine === capacity.machine);

/** Whether a worker can run the job now, beside what it runs. */
export function fits(capacity: Capacity, running: readonly Requirement[], next: Requirement): boolean {
  if (running.length === 0) return true;
  const all = [...running, next];
  if (all.some(({ machine }) => machine !== undefined)) return false;
  const sum = (of: (requirement: Requirement) => number) => all.reduce((total, one) => total + of(one), 0);
  return (
    sum(({ cores }) => cores) <= capacity.cores && sum(({ memoryGiB }) => memoryGiB) <= capacity.memoryGiB
  );
}
