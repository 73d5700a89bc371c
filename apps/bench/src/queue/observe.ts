import type { Job, JobState as QueueState } from 'bullmq';
import type { RunEvent } from '../runner/events.ts';
import type { Plan } from '../runner/plan.ts';
import type { JobSpec } from '../runner/spec.ts';
import type { Store } from '../runner/store.ts';
import { stallSeconds } from '../runner/supervise.ts';
import { type Delivery, type QueueProgress, queueId } from './delivery.ts';
import type { Queues, WorkerInfo } from './queues.ts';
import { described, queueName, requirementOf, satisfies } from './requirement.ts';

/** A job of a plan, seen in store and queue. */
export interface Observation {
  readonly spec: JobSpec;
  readonly event: RunEvent;
  /** Where it lies in the queue, if that was looked at. */
  readonly queued?: QueueState | 'unknown';
  readonly job?: Job<Delivery> | undefined;
}

export const isOver = ({ state }: RunEvent): boolean =>
  state === 'done' || state === 'failed' || state === 'blocked';

/**
 * Looks at the jobs of a plan, in its order.
 *
 * @param before what was seen the last time: what was over is not looked at again.
 */
export async function observe(
  plan: Plan,
  store: Store,
  queues: Queues,
  before: ReadonlyMap<string, RunEvent> = new Map(),
): Promise<Observation[]> {
  const workers = await queues.workers();
  const events = new Map<string, RunEvent>();
  const open = plan.jobs.filter(({ id }) => {
    const known = before.get(id);
    if (known !== undefined && isOver(known)) events.set(id, known);
    else if (store.has(id)) events.set(id, { id, state: 'done' });
    return !events.has(id);
  });
  // What waited for others still lies where it lay; most of a large plan does.
  const isNear = ({ identity }: JobSpec) =>
    before.size === 0 || Object.values(identity.needs).every((need) => before.get(need)?.state === 'done');
  const found = new Map(
    await Promise.all(open.filter(isNear).map(async (spec) => [spec.id, await find(spec, queues)] as const)),
  );
  const labelOf = (id: string) => plan.jobs.find((spec) => spec.id === id)!.label;
  const observations: Observation[] = [];
  for (const spec of plan.jobs) {
    const { id } = spec;
    const { queued, job } = found.get(id) ?? {};
    const event = events.get(id) ?? (await stateOf(spec, queued, job, { store, events, workers, labelOf }));
    events.set(id, event);
    observations.push({ spec, event, ...(!isOver(event) && queued !== undefined && { queued, job }) });
  }
  return observations;
}

async function find(spec: JobSpec, queues: Queues) {
  const queue = queues.named(queueName(requirementOf(spec)));
  const queued = await queue.getJobState(queueId(spec.id));
  const job = queued === 'unknown' ? undefined : await queue.getJob(queueId(spec.id));
  return { queued, job };
}

interface Surroundings {
  readonly store: Store;
  /** Of the jobs before it in the plan. */
  readonly events: ReadonlyMap<string, RunEvent>;
  readonly workers: readonly WorkerInfo[];
  readonly labelOf: (id: string) => string;
}

async function stateOf(
  spec: JobSpec,
  queued: QueueState | 'unknown' | undefined,
  job: Job<Delivery> | undefined,
  { store, events, workers, labelOf }: Surroundings,
): Promise<RunEvent> {
  const { id } = spec;
  const needs = Object.values(spec.identity.needs).map((need) => events.get(need)!);
  const bad = needs.find(({ state }) => state === 'failed' || state === 'blocked');
  if (bad !== undefined) return { id, state: 'blocked', message: `needs ${labelOf(bad.id)}` };
  // What is on its way has not been given up.
  const failure = queued === 'failed' || queued === 'unknown' ? await store.failure(id) : undefined;
  if (failure !== undefined) {
    const { attempts, message, log } = failure;
    return { id, state: 'failed', attempt: attempts, message, log };
  }
  // Workers look at it now and then, and put it back.
  if (needs.some(({ state }) => state !== 'done')) return { id, state: 'waiting' };
  const attempt = (job?.attemptsMade ?? 0) + 1;
  // An object since the worker wrote one, zero before.
  const progress = typeof job?.progress === 'object' ? (job.progress as QueueProgress) : undefined;
  if (queued === 'active') {
    const host = job?.processedBy;
    const heard = progress?.heard ?? job?.processedOn ?? Date.now();
    const { done, total, detail } = progress ?? {};
    return {
      id,
      state: Date.now() - heard > 1000 * stallSeconds.shown ? 'stalled' : 'running',
      attempt,
      ...(host !== undefined && { host }),
      ...(done !== undefined && { done }),
      ...(total !== undefined && { total }),
      ...(detail !== undefined && { detail }),
    };
  }
  if (queued === 'delayed' && attempt > 1 && progress?.note === undefined) {
    return { id, state: 'retrying', attempt, ...(job?.failedReason && { message: job.failedReason }) };
  }
  const message = progress?.note ?? nobodyFor(spec, workers);
  return { id, state: 'queued', ...(message !== undefined && { message }) };
}

function nobodyFor(spec: JobSpec, workers: readonly WorkerInfo[]): string | undefined {
  const requirement = requirementOf(spec);
  if (workers.some((worker) => satisfies(worker, requirement))) return undefined;
  return `there is no worker with ${described(requirement)}`;
}
