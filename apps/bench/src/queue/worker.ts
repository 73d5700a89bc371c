import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { type Job, UnrecoverableError, Worker } from 'bullmq';
import { processorToPin } from '../kernels/peers.ts';
import type { JobState } from '../runner/events.ts';
import type { JobSpec } from '../runner/spec.ts';
import type { Store } from '../runner/store.ts';
import type { JobEvent } from '../runner/supervise.ts';
import { type Delivery, type QueueProgress, queueId } from './delivery.ts';
import { answerOf } from './patience.ts';
import { perform, type Verdict } from './perform.ts';
import { type JobQueue, prefix, Queues, type WorkerInfo } from './queues.ts';
import { fits, queueName, type Requirement, satisfies } from './requirement.ts';

type WorkerEvent =
  | { readonly kind: 'job'; readonly spec: JobSpec; readonly state: JobState; readonly message?: string }
  /** The connection to the queue. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'back' }
  | { readonly kind: 'refused'; readonly message: string };

export interface WorkerOptions {
  readonly url: string;
  readonly worker: WorkerInfo;
  /** A worker that is silent for so long is taken for dead, and what it had is given to another. */
  readonly lockMs: number;
  /** Aborted to give back what runs, with its checkpoints, and to end. */
  readonly signal: AbortSignal;
  readonly tell: (event: WorkerEvent) => void;
}

/** How long a stopping worker tries to tell a queue that does not answer. */
const farewellMs = 5000;

/**
 * Runs jobs of a queue until it is stopped. Each runs in a process of its own: whatever it computes, this one renews its lock, and it
 * leaves neither memory nor chosen kernels to the next. (BullMQ's own sandbox uses its processes again.)
 *
 * @throws {BenchError} BENCH_QUEUE.
 */
export async function work(store: Store, options: WorkerOptions): Promise<void> {
  const queues = await Queues.open(options.url, store);
  const pin = await processorToPin();
  const bench = new WorkBench(store, queues, options, pin === undefined ? [] : ['taskset', '-c', pin]);
  try {
    await bench.run();
  } finally {
    await bench.close();
  }
}

/** A queue whose jobs this worker can run. */
interface Subscription {
  readonly requirement: Requirement;
  readonly queue: JobQueue;
  readonly fetcher: Worker<Delivery, null>;
}

/**
 * Jobs are fetched by hand: BullMQ's loop, one for each queue, would take jobs for which there is no room beside those of the others.
 */
class WorkBench {
  readonly #store: Store;
  readonly #queues: Queues;
  readonly #options: WorkerOptions;
  readonly #timingPrefix: readonly string[];
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #running = new Map<Promise<void>, Requirement>();
  readonly #strange = new Set<string>();
  #turn = new AbortController();

  constructor(store: Store, queues: Queues, options: WorkerOptions, timingPrefix: readonly string[]) {
    this.#store = store;
    this.#queues = queues;
    this.#options = options;
    this.#timingPrefix = timingPrefix;
    const { signal, tell } = options;
    signal.addEventListener('abort', () => this.#turn.abort());
    let isLost = false;
    // Again after each vain attempt to come back.
    queues.redis.on('close', () => {
      if (!isLost && !signal.aborted) tell({ kind: 'lost' });
      isLost = true;
    });
    queues.redis.on('ready', () => {
      isLost = false;
      tell({ kind: 'back' });
    });
  }

  async run(): Promise<void> {
    const { worker, lockMs, signal, tell } = this.#options;
    const lookMs = Math.min(1000, lockMs / 10);
    const announce = throttled(() => this.#queues.announce(worker, lockMs).catch(() => {}), lockMs / 3);
    while (!signal.aborted) {
      this.#turn = new AbortController();
      try {
        announce();
        await answerOf(this.#subscribe(), signal);
        while (!signal.aborted && (await this.#startNext()));
      } catch (error) {
        // What Redis refuses, perhaps for want of memory, it may take later; what runs goes on.
        tell({ kind: 'refused', message: (error as Error).message });
        await wait(lockMs / 3, undefined, { signal: this.#turn.signal }).catch(() => {});
      }
      // Until there may be something new: a job has ended, or it is time to look.
      if (!signal.aborted) await wait(lookMs, undefined, { signal: this.#turn.signal }).catch(() => {});
    }
    await Promise.all(this.#running.keys());
  }

  async close(): Promise<void> {
    const { worker, signal } = this.#options;
    if (this.#queues.redis.status === 'ready')
      await answerOf(this.#queues.withdraw(worker), signal, farewellMs).catch(() => {});
    // It is stopping: there is nothing to be waited for.
    await Promise.all([...this.#subscriptions.values()].map(({ fetcher }) => fetcher.close(true)));
    await this.#queues.close();
  }

  /** Finds the queues that this worker can serve; new ones appear with new plans. */
  async #subscribe(): Promise<void> {
    const { worker, lockMs } = this.#options;
    for (const requirement of await this.#queues.requirements()) {
      const name = queueName(requirement);
      if (this.#subscriptions.has(name) || !satisfies(worker, requirement)) continue;
      const fetcher = new Worker<Delivery, null>(name, null, {
        connection: this.#queues.redis,
        prefix,
        name: worker.host,
        autorun: false,
        lockDuration: lockMs,
        stalledInterval: lockMs,
        // A job whose worker died goes on from its checkpoint, however often that happens.
        maxStalledCount: Number.MAX_SAFE_INTEGER,
      });
      fetcher.on('error', () => {});
      this.#subscriptions.set(name, { requirement, queue: this.#queues.named(name), fetcher });
      await fetcher.startStalledCheckTimer();
    }
  }

  /** Starts the most urgent job of all queues, if there is one and there is room for it. Nothing overtakes it meanwhile. */
  async #startNext(): Promise<boolean> {
    const { worker, signal } = this.#options;
    const heads = await answerOf(
      Promise.all(
        [...this.#subscriptions.values()].map(async (subscription) => ({
          ...subscription,
          rank: await rankOfHead(subscription.queue),
        })),
      ),
      signal,
    );
    if (heads === undefined) return false;
    // A timing job waits until nothing else runs: last of its equals, it keeps nobody waiting.
    const larger = (a: Requirement, b: Requirement) =>
      Number(a.machine !== undefined) - Number(b.machine !== undefined) ||
      b.tags.length - a.tags.length ||
      b.memoryGiB - a.memoryGiB ||
      b.cores - a.cores;
    heads.sort((a, b) => a.rank - b.rank || larger(a.requirement, b.requirement));
    for (const { requirement, fetcher, rank } of heads) {
      if (!fits(worker, [...this.#running.values()], requirement)) {
        if (rank === Number.POSITIVE_INFINITY) continue;
        return false;
      }
      const token = randomUUID();
      // Also where no job was seen: this is what hands out those whose delay is over.
      const job = await answerOf(fetcher.getNextJob(token, { block: false }), signal, farewellMs);
      if (job === undefined) continue;
      const done = this.#deliver(job, token).finally(() => {
        this.#running.delete(done);
        this.#turn.abort();
      });
      this.#running.set(done, requirement);
      return true;
    }
    return false;
  }

  async #deliver(job: Job<Delivery, null>, token: string): Promise<void> {
    const { lockMs, signal, tell } = this.#options;
    const { spec } = job.data;
    const renew = oneAtATime(() => job.extendLock(token, lockMs));
    const renewing = setInterval(renew, lockMs / 3);
    const progress = (event: JobEvent, note?: string) =>
      job.updateProgress({
        ...event,
        heard: Date.now(),
        ...(note !== undefined && { note }),
      } satisfies QueueProgress);
    let latest: JobEvent = { done: 0, total: 0, detail: '' };
    const show = oneAtATime(() => progress(latest));
    const showing = throttled(show, 1000);
    let verdict: Verdict;
    try {
      verdict = await perform(job, this.#store, {
        signal,
        begin: () => {
          tell({ kind: 'job', spec, state: 'running' });
          show();
        },
        tell: (event) => {
          latest = event;
          showing();
        },
        timingPrefix: this.#timingPrefix,
        strange: this.#strange,
      });
    } catch (error) {
      // The store cannot be written here; elsewhere it may.
      const reason = error instanceof Error ? error.message : String(error);
      verdict = { kind: 'postponed', reason };
    } finally {
      clearInterval(renewing);
    }
    const settled = this.#settle(job, token, verdict, (note) => progress(latest, note));
    // Without an answer the queue finds out by itself: the lock runs out, and what is done is done.
    await answerOf(
      settled.catch(() => {}),
      signal,
      farewellMs,
    );
  }

  async #settle(
    job: Job<Delivery, null>,
    token: string,
    verdict: Verdict,
    explain: (note: string) => Promise<void>,
  ): Promise<void> {
    const { worker, lockMs } = this.#options;
    const { spec } = job.data;
    const tell = (state: JobState, message?: string) =>
      this.#options.tell({ kind: 'job', spec, state, ...(message !== undefined && { message }) });
    if (verdict.kind === 'returned') {
      tell('stopped');
      await job.moveToWait(token);
    } else if (verdict.kind === 'postponed') {
      const { reason } = verdict;
      if (reason !== undefined) {
        tell('waiting', reason);
        await explain(`${worker.host}: ${reason}`);
      }
      await job.moveToDelayed(Date.now() + lockMs / 3, token);
    } else if (verdict.kind === 'failed' && verdict.again) {
      tell('retrying', verdict.message);
      await job.moveToFailed(new Error(verdict.message), token, false);
    } else {
      // Before it is over for the queue: whoever is handed it again hands them out again.
      await this.#handOutDependents(job.data);
      if (verdict.kind === 'done') {
        tell('done');
        await job.moveToCompleted(null, token, false);
      } else {
        tell(verdict.kind, verdict.message);
        await job.moveToFailed(new UnrecoverableError(verdict.message), token, false);
      }
    }
  }

  /** Spares what waits for this job the rest of its delay. */
  async #handOutDependents({ dependents }: Delivery): Promise<void> {
    const promotions = dependents.map(async ({ id, queue }) => {
      const job = await this.#queues.named(queue).getJob(queueId(id));
      await job?.promote();
    });
    // Those that are not delayed, or not sent yet, are looked at anyway.
    await Promise.allSettled(promotions);
  }
}

/** What a dead worker had lies in the list of those without a priority, before all others. */
async function rankOfHead(queue: JobQueue): Promise<number> {
  const [[recovered], [next]] = await Promise.all([queue.getWaiting(0, 0), queue.getPrioritized(0, 0)]);
  if (recovered !== undefined) return 0;
  return next?.priority ?? Number.POSITIVE_INFINITY;
}

/** Sends no second command before the first was answered: while Redis is away they would pile up. */
function oneAtATime(command: () => Promise<unknown>): () => void {
  let busy = false;
  return () => {
    if (busy) return;
    busy = true;
    command()
      .catch(() => {})
      .finally(() => {
        busy = false;
      });
  };
}

function throttled(act: () => void, ms: number): () => void {
  let last = Number.NEGATIVE_INFINITY;
  return () => {
    if (performance.now() - last < ms) return;
    last = performance.now();
    act();
  };
}
