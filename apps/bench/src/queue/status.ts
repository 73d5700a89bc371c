import type { RunEvent } from '../runner/events.ts';
import type { Plan } from '../runner/plan.ts';
import type { Store } from '../runner/store.ts';
import { observe } from './observe.ts';
import { Queues, type WorkerInfo } from './queues.ts';

export interface QueueStatus {
  /** In the order of the plan. */
  readonly jobs: readonly RunEvent[];
  /** That have been heard of lately. */
  readonly workers: readonly WorkerInfo[];
}

/**
 * How a plan gets on that was given to a queue.
 *
 * @throws {BenchError} BENCH_QUEUE.
 */
export async function statusOfQueue(url: string, plan: Plan, store: Store): Promise<QueueStatus> {
  const queues = await Queues.open(url, store);
  try {
    const seen = await observe(plan, store, queues);
    return {
      jobs: seen.map(({ event, queued }) =>
        queued === 'unknown' ? { ...event, message: 'not in the queue' } : event,
      ),
      workers: await queues.workers(),
    };
  } finally {
    await queues.close();
  }
}
