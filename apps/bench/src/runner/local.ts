import { hostname, totalmem } from 'node:os';
import { PassThrough } from 'node:stream';
import { BenchError } from '../error.ts';
import { processorToPin } from '../kernels/peers.ts';
import { correctedEstimates } from './estimate.ts';
import type { ExecutionOptions, JobState, RunEvent } from './events.ts';
import { leaseHolder } from './lease.ts';
import type { Plan } from './plan.ts';
import { type Capacity, criticalPaths, isTiming, nextToStart } from './schedule.ts';
import type { JobSpec } from './spec.ts';
import { heldState, isGivenUp, storedStates } from './states.ts';
import type { Store } from './store.ts';
import { type JobEnd, type JobEvent, stallSeconds, superviseJob } from './supervise.ts';

export interface LocalOptions extends ExecutionOptions {
  /** Processor cores that jobs take together. */
  readonly jobs: number;
  readonly stallSeconds?: { readonly shown: number; readonly killed: number };
}

export const localCapacity = (jobs: number): Capacity => ({
  cores: jobs,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
});

/**
 * Runs a plan's jobs in processes of this machine. Whoever else runs the same jobs from the same store shares the work.
 *
 * @throws what the store throws: a job that fails is an event, a disk that fails ends the run.
 */
export async function* runLocally(
  plan: Plan,
  store: Store,
  options: LocalOptions,
): AsyncGenerator<RunEvent, void> {
  const abandoned = new AbortController();
  const signal = AbortSignal.any([options.signal, abandoned.signal]);
  const events = new PassThrough({ objectMode: true });
  const run = new LocalRun(plan, store, { ...options, signal }, (event) => events.write(event));
  const ended = run.whole().finally(() => events.end());
  // Whoever reads the events hears of it at their end.
  ended.catch(() => {});
  try {
    yield* events as AsyncIterable<RunEvent>;
  } finally {
    abandoned.abort();
    await ended;
  }
}

/** How often we look at jobs that are silent, and at those that other runners work on. */
const lookMs = 500;

interface Running {
  readonly spec: JobSpec;
  readonly attempt: number;
  heard: number;
  last: Partial<JobEvent>;
}

class LocalRun {
  readonly #plan: Plan;
  readonly #store: Store;
  readonly #options: LocalOptions;
  readonly #tell: (event: RunEvent) => void;
  readonly #states = new Map<string, JobState>();
  readonly #attempts = new Map<string, number>();
  readonly #running = new Map<string, Running>();
  /** Jobs that other runners work on, and where. */
  readonly #held = new Map<string, string>();
  readonly #stopping = new AbortController();
  #byUrgency: readonly JobSpec[] = [];
  #pin: string | undefined;
  #looking = Promise.resolve();
  #broken: { readonly cause: unknown } | undefined;
  #wake = () => {};

  constructor(plan: Plan, store: Store, options: LocalOptions, tell: (event: RunEvent) => void) {
    this.#plan = plan;
    this.#store = store;
    this.#options = options;
    this.#tell = tell;
  }

  async whole(): Promise<void> {
    const { signal } = this.#options;
    const stop = () => this.#stop();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    await this.#begin();
    const look = setInterval(() => {
      this.#showSilent();
      this.#looking = this.#looking.then(() => this.#lookAtOthers()).catch((cause) => this.#break(cause));
    }, lookMs);
    try {
      for (;;) {
        const changed = new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#startWhatFits();
        if (this.#isIdle()) break;
        await changed;
      }
    } finally {
      clearInterval(look);
      signal.removeEventListener('abort', stop);
    }
    if (this.#broken !== undefined) throw this.#broken.cause;
  }

  async #begin(): Promise<void> {
    const estimates = await correctedEstimates(this.#plan, this.#store);
    const paths = criticalPaths(this.#plan, (id) => estimates.get(id)!.seconds);
    this.#byUrgency = this.#plan.jobs.toSorted((a, b) => paths.get(b.id)! - paths.get(a.id)!);
    if (this.#plan.jobs.some(isTiming)) this.#pin = await processorToPin();
    for (const event of await storedStates(this.#plan, this.#store)) {
      if (event.state === 'running' || event.state === 'stalled') this.#held.set(event.id, event.host!);
      const state = event.state === 'stopped' ? 'queued' : event.state;
      this.#states.set(event.id, state);
      this.#tell({ ...event, state });
    }
  }

  #startWhatFits(): void {
    while (!this.#stopping.signal.aborted) {
      const here = [...this.#held].filter(([, host]) => host === hostname()).map(([id]) => this.#spec(id));
      // Other runners' jobs take none of our cores, but where one measures time nothing else runs.
      const ready = this.#inState('queued').filter((spec) => !isTiming(spec) || here.length === 0);
      const running = [...this.#running.values()].map(({ spec }) => spec);
      const next = nextToStart(
        ready,
        [...running, ...here.filter(isTiming)],
        localCapacity(this.#options.jobs),
      );
      if (next === undefined) return;
      void this.#run(next);
    }
  }

  #isIdle(): boolean {
    if (this.#running.size > 0) return false;
    return this.#stopping.signal.aborted || (this.#held.size === 0 && this.#inState('retrying').length === 0);
  }

  async #run(spec: JobSpec): Promise<void> {
    const { id } = spec;
    const attempt = (this.#attempts.get(id) ?? 0) + 1;
    const running: Running = { spec, attempt, heard: performance.now(), last: {} };
    this.#running.set(id, running);
    this.#become(id, 'running', { attempt });
    try {
      const end = await superviseJob(this.#store, spec, {
        attempt,
        signal: this.#stopping.signal,
        killAfterSeconds: (this.#options.stallSeconds ?? stallSeconds).killed,
        prefix: this.#prefix(spec),
        tell: (progress) => {
          running.heard = performance.now();
          running.last = progress;
          this.#become(id, 'running', { attempt, ...progress });
        },
      });
      this.#attempts.set(id, attempt);
      await this.#end(id, attempt, end);
    } catch (error) {
      if (isOthers(error)) this.#held.set(id, hostname());
      else this.#break(error);
    } finally {
      this.#running.delete(id);
      this.#wake();
    }
  }

  /** One thread that is timed stays on one processor. */
  #prefix(spec: JobSpec): readonly string[] {
    const single = isTiming(spec) && (spec.resources.cores ?? 1) === 1;
    return single && this.#pin !== undefined ? ['taskset', '-c', this.#pin] : [];
  }

  async #end(id: string, attempt: number, end: JobEnd): Promise<void> {
    if (end.kind !== 'failed') return this.#become(id, end.kind);
    const { message, log } = end;
    const { retries, backoffSeconds } = this.#options;
    if (attempt > retries) {
      await this.#store.fail(id, { schema: 'proj.bench.failure/1', attempts: attempt, message, log });
      return this.#become(id, 'failed', { attempt, message, log });
    }
    this.#become(id, 'retrying', { attempt, message, log });
    const again = () => this.#become(id, 'queued', { attempt });
    const pause = setTimeout(again, 1000 * backoffSeconds * 2 ** (attempt - 1));
    this.#stopping.signal.addEventListener('abort', () => clearTimeout(pause), { once: true });
  }

  #become(id: string, state: JobState, more: Omit<RunEvent, 'id' | 'state'> = {}): void {
    const before = this.#states.get(id);
    this.#states.set(id, state);
    this.#tell({ id, state, ...more });
    if (state === before) return;
    if (state === 'done' || isGivenUp(state)) this.#settleDependents();
    this.#wake();
  }

  #settleDependents(): void {
    for (const { id, identity } of this.#inState('waiting')) {
      const needs = Object.values(identity.needs);
      const givenUp = needs.find((need) => isGivenUp(this.#states.get(need)!));
      if (givenUp !== undefined)
        this.#become(id, 'blocked', { message: `needs ${this.#spec(givenUp).label}` });
      else if (needs.every((need) => this.#states.get(need) === 'done')) this.#become(id, 'queued');
    }
  }

  #showSilent(): void {
    const { shown } = this.#options.stallSeconds ?? stallSeconds;
    for (const [id, { heard, attempt, last }] of this.#running) {
      if (this.#states.get(id) === 'running' && performance.now() - heard > 1000 * shown)
        this.#become(id, 'stalled', { attempt, ...last });
    }
  }

  async #lookAtOthers(): Promise<void> {
    for (const id of [...this.#held.keys()]) {
      const holder = await leaseHolder(this.#store.folder(id));
      if (holder !== undefined) {
        this.#held.set(id, holder.host);
        this.#tell(await heldState(id, this.#store, holder.host));
        continue;
      }
      const failure = await this.#store.failure(id);
      this.#held.delete(id);
      if (this.#store.has(id)) this.#become(id, 'done');
      else if (failure === undefined) this.#become(id, 'queued');
      else {
        const { attempts, message, log } = failure;
        this.#become(id, 'failed', { attempt: attempts, message, log });
      }
    }
    if (!this.#plan.jobs.some((spec) => isTiming(spec) && !this.#store.has(spec.id))) return;
    // Whoever measures time must know what else this machine does.
    for (const spec of this.#inState('queued')) {
      const holder = await leaseHolder(this.#store.folder(spec.id));
      if (holder?.host !== hostname() || this.#running.has(spec.id)) continue;
      this.#held.set(spec.id, holder.host);
      this.#become(spec.id, 'running', { host: holder.host });
    }
  }

  /** The store itself failed: nothing can be kept, so nothing more is begun. */
  #break(cause: unknown): void {
    this.#broken ??= { cause };
    this.#stop();
  }

  #stop(): void {
    this.#stopping.abort();
    this.#wake();
  }

  #inState(state: JobState): JobSpec[] {
    return this.#byUrgency.filter(({ id }) => this.#states.get(id) === state);
  }

  #spec(id: string): JobSpec {
    return this.#plan.jobs.find((spec) => spec.id === id)!;
  }
}

const isOthers = (error: unknown): boolean =>
  error instanceof BenchError && (error.code === 'BENCH_JOB_HELD' || error.code === 'BENCH_LEASE_LOST');
