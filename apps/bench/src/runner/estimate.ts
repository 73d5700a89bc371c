import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Estimate } from '../experiment.ts';
import type { Plan } from './plan.ts';
import { type Capacity, makespan } from './schedule.ts';
import type { Store } from './store.ts';

/** How much longer than estimated, and how much larger, the finished jobs of a task were. */
interface Correction {
  readonly seconds: number;
  readonly bytes: number;
  /** How many finished jobs say so. */
  readonly jobs: number;
}

interface TaskEstimate extends Estimate {
  readonly task: string;
  readonly jobs: number;
  readonly done: number;
  /** How many finished jobs in the store corrected the estimate. */
  readonly measured: number;
}

/** What a plan will take from here on. */
export interface PlanEstimate {
  readonly jobs: number;
  readonly done: number;
  /** Given up before; `bench retry` runs them. */
  readonly failed: number;
  /** By task, what is still to do. */
  readonly tasks: readonly TaskEstimate[];
  /** Until all is done, with so many processors. */
  readonly seconds: number;
  /** Of files that are still to come. */
  readonly bytes: number;
  /** On the store's disk. */
  readonly freeBytes: number;
}

/** What each job of a plan takes, as the task says and as finished jobs of the same task correct it. */
export async function correctedEstimates(plan: Plan, store: Store): Promise<ReadonlyMap<string, Estimate>> {
  const corrections = await correctionsFor(plan, store);
  return new Map(
    plan.jobs.map(({ id, identity, estimate }) => {
      const { seconds, bytes } = corrections.get(identity.task) ?? none;
      return [id, { seconds: estimate.seconds * seconds, bytes: estimate.bytes * bytes }];
    }),
  );
}

export async function estimatePlan(plan: Plan, store: Store, capacity: Capacity): Promise<PlanEstimate> {
  const corrections = await correctionsFor(plan, store);
  const estimates = await correctedEstimates(plan, store);
  const open = plan.jobs.filter(({ id }) => !store.has(id));
  const openIds = new Set(open.map(({ id }) => id));
  const failures = await Promise.all(open.map(({ id }) => store.failure(id)));
  const total = (of: keyof Estimate, jobs: typeof open) =>
    jobs.reduce((sum, { id }) => sum + estimates.get(id)![of], 0);
  const names = [...new Set(plan.jobs.map(({ identity }) => identity.task))];
  return {
    jobs: plan.jobs.length,
    done: plan.jobs.length - open.length,
    failed: failures.filter((failure) => failure !== undefined).length,
    tasks: names.map((task) => {
      const jobs = plan.jobs.filter(({ identity }) => identity.task === task);
      const toDo = jobs.filter(({ id }) => openIds.has(id));
      return {
        task,
        jobs: jobs.length,
        done: jobs.length - toDo.length,
        seconds: total('seconds', toDo),
        bytes: total('bytes', toDo),
        measured: corrections.get(task)?.jobs ?? 0,
      };
    }),
    seconds: makespan(
      plan,
      (id) => !openIds.has(id),
      (id) => estimates.get(id)!.seconds,
      capacity,
    ),
    bytes: total('bytes', open),
    freeBytes: await freeBytes(store.root),
  };
}

const none: Correction = { seconds: 1, bytes: 1, jobs: 0 };

async function correctionsFor(plan: Plan, store: Store): Promise<ReadonlyMap<string, Correction>> {
  const ratios = new Map<string, { seconds: number[]; bytes: number[] }>();
  for (const { identity } of plan.jobs) ratios.set(identity.task, { seconds: [], bytes: [] });
  for (const { task, estimate, seconds, bytes } of await store.work()) {
    const of = ratios.get(task);
    if (estimate.seconds > 0) of?.seconds.push(seconds / estimate.seconds);
    if (estimate.bytes > 0) of?.bytes.push(bytes / estimate.bytes);
  }
  return new Map(
    [...ratios].map(([task, { seconds, bytes }]) => [
      task,
      { seconds: median(seconds) ?? 1, bytes: median(bytes) ?? 1, jobs: seconds.length },
    ]),
  );
}

export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 || sorted.length === 0
    ? sorted[middle]
    : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Of the disk on which a folder lies or will lie. */
async function freeBytes(folder: string): Promise<number> {
  for (let place = folder; ; place = dirname(place)) {
    try {
      const { bavail, bsize } = await statfs(place);
      return bavail * bsize;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || place === dirname(place)) throw error;
    }
  }
}
