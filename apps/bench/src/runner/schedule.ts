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
  const open = new Set(plan.jobs.map(({ id }) => id).filter((id) => !isDone(id)));
  const byUrgency = plan.jobs
    .filter(({ id }) => open.has(id))
    .sort((a, b) => paths.get(b.id)! - paths.get(a.id)!);
  const waiting = new Set(byUrgency);
  let running: { readonly spec: JobSpec; readonly end: number }[] = [];
  let now = 0;
  for (;;) {
    for (;;) {
      const ready = [...waiting].filter(({ identity }) =>
        Object.values(identity.needs).every((need) => !open.has(need)),
      );
      const specs = running.map(({ spec }) => spec);
      const next = nextToStart(ready, specs, capacity);
      if (next === undefined) break;
      waiting.delete(next);
      running.push({ spec: next, end: now + secondsOf(next.id) });
    }
    if (running.length === 0) return now;
    now = Math.min(...running.map(({ end }) => end));
    for (const { spec, end } of running) if (end <= now) open.delete(spec.id);
    running = running.filter(({ end }) => end > now);
  }
}
