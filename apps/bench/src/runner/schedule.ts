import type { Plan } from './plan.ts';
import type { JobSpec } from './spec.ts';

/** What a machine gives to the jobs on it. */
export interface Capacity {
  readonly cores: number;
  readonly memoryGiB: number;
}

/** Which job starts next, of those that can, the most urgent first; none as long as nothing more fits. */
export function nextToStart(
  ready: readonly JobSpec[],
  running: readonly JobSpec[],
  { cores, memoryGiB }: Capacity,
): JobSpec | undefined {
  if (running.some(isTiming)) return undefined;
  const used = { cores: 0, memoryGiB: 0 };
  for (const { resources } of running) {
    used.cores += resources.cores ?? 1;
    used.memoryGiB += resources.memoryGiB ?? 1;
  }
  return ready.find((spec) => {
    // What is larger than the machine has it to itself, too.
    if (running.length === 0) return true;
    if (isTiming(spec)) return false;
    const { resources } = spec;
    return (
      used.cores + (resources.cores ?? 1) <= cores && used.memoryGiB + (resources.memoryGiB ?? 1) <= memoryGiB
    );
  });
}

export const isTiming = ({ resources }: JobSpec): boolean => resources.timing === true;

/** The time from the start of a job until everything that waits for it is done, however many processors there are. */
export function criticalPaths(
  { jobs }: Pick<Plan, 'jobs'>,
  secondsOf: (id: string) => number,
): ReadonlyMap<string, number> {
  const after = new Map<string, number>();
  const paths = new Map<string, number>();
  // Backwards, every job stands before those it needs.
  for (const { id, identity } of jobs.toReversed()) {
    const path = secondsOf(id) + (after.get(id) ?? 0);
    paths.set(id, path);
    for (const need of Object.values(identity.needs)) after.set(need, Math.max(after.get(need) ?? 0, path));
  }
  return paths;
}

/** Seconds until the jobs of a plan that are not done are, as `nextToStart` has them follow each other. */
export function makespan(
  plan: Pick<Plan, 'jobs'>,
  isDone: (id: string) => boolean,
  secondsOf: (id: string) => number,
  capacity: Capacity,
): number {
  const paths = criticalPaths(plan, secondsOf);
  const open = plan.jobs.filter(({ id }) => !isDone(id));
  const missing = new Map<JobSpec, Set<string>>();
  const dependents = new Map<string, JobSpec[]>(open.map(({ id }) => [id, []]));
  for (const spec of open) {
    const needs = Object.values(spec.identity.needs).filter((need) => dependents.has(need));
    missing.set(spec, new Set(needs));
    for (const need of needs) dependents.get(need)!.push(spec);
  }
  const urgency = ({ id }: JobSpec) => paths.get(id)!;
  const ready = open.filter((spec) => missing.get(spec)!.size === 0).sort((a, b) => urgency(b) - urgency(a));
  // Whoever watches a run asks twice a second, of thousands of jobs: nothing is sorted again.
  const enqueue = (spec: JobSpec) => {
    const place = ready.findIndex((other) => urgency(other) < urgency(spec));
    ready.splice(place === -1 ? ready.length : place, 0, spec);
  };
  let running: { readonly spec: JobSpec; readonly end: number }[] = [];
  for (let now = 0; ; ) {
    for (;;) {
      const specs = running.map(({ spec }) => spec);
      const next = nextToStart(ready, specs, capacity);
      if (next === undefined) break;
      ready.splice(ready.indexOf(next), 1);
      running.push({ spec: next, end: now + secondsOf(next.id) });
    }
    if (running.length === 0) return now;
    now = Math.min(...running.map(({ end }) => end));
    for (const { spec, end } of running) {
      if (end > now) continue;
      for (const dependent of dependents.get(spec.id)!) {
        const needs = missing.get(dependent)!;
        if (needs.delete(spec.id) && needs.size === 0) enqueue(dependent);
      }
    }
    running = running.filter(({ end }) => end > now);
  }
}
