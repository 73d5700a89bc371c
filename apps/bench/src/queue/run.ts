// BullMQ's own flows are trees: it refuses a job a second parent. Jobs of a plan are shared, within it and between plans, so each job
// is sent by itself. What it needs is looked up in the store, which alone says what is done, when a worker is handed it: handed out too
// early it is put back, and whoever finishes a job hands out what waits for it. Nothing is lost if either is killed in between, and
// everything may happen twice.
import { setTimeout as wait } from 'node:timers/promises';
import type { ExecutionOptions, RunEvent } from '../runner/events.ts';
import type { Plan } from '../runner/plan.ts';
import type { Store } from '../runner/store.ts';
import { type Delivery, deliveriesOf, queueId } from './delivery.ts';
import { isOver, type Observation, observe } from './observe.ts';
import { answerOf } from './patience.ts';
import { Queues } from './queues.ts';
import { queueName, requirementOf } from './requirement.ts';

export interface QueueOptions extends ExecutionOptions {
  readonly url: string;
  /** From -1000 to 1000; those with more come first. Default 0. */
  readonly priority?: number;
  /** How often is looked; default once a second, less often at thousands of jobs. */
  readonly watchMs?: number;
}

const priorityLimit = 1000;

/** A file that one machine has written is seen by the others after this time at the latest. */
const folderLagMs = 60_000;
/** Not looked at by a worker before; what it needs being done, it is at once. */
const firstLookMs = 10_000;
const keptSeconds = 30 * 24 * 3600;

/**
 * Sends the jobs of a plan to the workers of a queue and tells how they get on. The workers need nobody who watches: whoever is
 * stopped or killed here, or asks for the same plan from elsewhere, watches the same jobs.
 *
 * @throws {BenchError} BENCH_QUEUE.
 */
export async function* runOnQueue(
  plan: Plan,
  store: Store,
  options: QueueOptions,
): AsyncGenerator<RunEvent, void> {
  const { url, signal, watchMs = Math.max(1000, 2 * plan.jobs.length) } = options;
  const queues = await Queues.open(url, store);
  try {
    const requirements = new Map(plan.jobs.map(requirementOf).map((one) => [queueName(one), one]));
    for (const requirement of requirements.values()) await queues.register(requirement);
    const deliveries = deliveriesOf(plan);
    const told = new Map<string, RunEvent>();
    for (const { id } of plan.jobs) yield { id, state: store.has(id) ? 'done' : 'waiting' };
    for (let first = true; ; first = false) {
      const look = async () => {
        const all = await observe(plan, store, queues, told);
        await Promise.all(all.map((one) => send(one, deliveries.get(one.spec.id)!, queues, options, first)));
        return all;
      };
      const seen = await answerOf(look(), signal);
      if (seen === undefined) return;
      for (const { event } of seen) {
        const before = told.get(event.id);
        told.set(event.id, event);
        if (JSON.stringify(before) !== JSON.stringify(event)) yield event;
      }
      if (seen.every(({ event }) => isOver(event)) || signal.aborted) return;
      await wait(watchMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
    }
  } finally {
    await queues.close();
  }
}

/** Sees to it that a job which is neither done nor given up lies in the queue. */
async function send(
  { queued, event, job }: Observation,
  delivery: Delivery,
  queues: Queues,
  { priority = 0, retries, backoffSeconds }: QueueOptions,
  first: boolean,
): Promise<void> {
  if (queued === undefined) return;
  const { spec } = delivery;
  const queue = queues.named(queueName(requirementOf(spec)));
  // BullMQ's least is its first; its 0, before all others, is left to what a dead worker had.
  const rank = priorityLimit + 1 - Math.max(-priorityLimit, Math.min(priorityLimit, priority));
  const isOld = queued === 'failed' || queued === 'completed';
  if (isOld) {
    // The queue says that it is over and the store does not: it was forgiven or removed, or the news is under way.
    if (!first && Date.now() - (job?.finishedOn ?? 0) < folderLagMs) return;
    // Another may have been quicker.
    await job?.remove().catch(() => {});
  }
  if (isOld || queued === 'unknown') {
    await queue.add(spec.label, delivery, {
      jobId: queueId(spec.id),
      priority: rank,
      attempts: retries + 1,
      backoff: { type: 'exponential', delay: 1000 * backoffSeconds },
      removeOnComplete: { age: keptSeconds },
      removeOnFail: { age: keptSeconds },
      ...(event.state === 'waiting' && { delay: firstLookMs }),
    });
  } else if (first && job !== undefined && job.priority > rank) {
    await job.changePriority({ priority: rank }).catch(() => {});
  }
}
