import type { Job } from 'bullmq';
import { BenchError } from '../error.ts';
import type { Store } from '../runner/store.ts';
import { type JobEvent, superviseJob } from '../runner/supervise.ts';
import type { Delivery } from './delivery.ts';

/** What becomes of a job that a worker was handed. */
export type Verdict =
  | { readonly kind: 'done' }
  /** Ctrl-C: for another worker, at once. */
  | { readonly kind: 'returned' }
  /** Not yet, or, for a reason, not here. */
  | { readonly kind: 'postponed'; readonly reason?: string }
  | { readonly kind: 'failed'; readonly message: string; readonly again: boolean }
  | { readonly kind: 'blocked'; readonly message: string };

export interface Performance {
  readonly signal: AbortSignal;
  /** It is about to run. */
  readonly begin: () => void;
  readonly tell: (event: JobEvent) => void;
  /** What the process of a timing job is started under. */
  readonly timingPrefix: readonly string[];
  /** Versions of tasks that this worker was found not to have; it adds to them. */
  readonly strange: Set<string>;
}

/** Does one delivery of a job, which may be the second of a job that is done, runs elsewhere, or cannot run. */
export async function perform(
  job: Pick<Job<Delivery>, 'data' | 'attemptsMade' | 'opts'>,
  store: Store,
  { signal, begin, tell, timingPrefix, strange }: Performance,
): Promise<Verdict> {
  const { spec, upstream } = job.data;
  const postponed = (reason: string): Verdict => ({ kind: 'postponed', reason });
  if (signal.aborted) return { kind: 'returned' };
  if (store.has(spec.id)) return { kind: 'done' };
  const failure = await store.failure(spec.id);
  if (failure !== undefined) return { kind: 'failed', message: failure.message, again: false };
  if (!Object.values(spec.identity.needs).every((id) => store.has(id))) {
    for (const id of upstream) {
      if ((await store.failure(id)) !== undefined)
        return { kind: 'blocked', message: `needs job ${id}, which failed` };
    }
    return { kind: 'postponed' };
  }
  const version = `${spec.identity.task} ${spec.identity.code}`;
  const differs = 'its code is not that of the plan; check out and build the same commit there';
  if (strange.has(version)) return postponed(differs);

  const attempt = job.attemptsMade + 1;
  begin();
  try {
    // What keeps more than one core busy cannot be pinned to one.
    const pinned = spec.resources.timing === true && (spec.resources.cores ?? 1) === 1;
    const end = await superviseJob(store, spec, {
      attempt,
      signal,
      tell,
      prefix: pinned ? timingPrefix : [],
    });
    if (end.kind === 'done') return { kind: 'done' };
    if (end.kind === 'stopped') return { kind: 'returned' };
    // What this machine lacks, another may have.
    if (end.code === 'BENCH_DATA_MISSING' || end.code === 'BENCH_DATA_DIFFERS') return postponed(end.message);
    if (end.code === 'BENCH_CODE_DIFFERS') {
      strange.add(version);
      return postponed(differs);
    }
    const again = attempt < (job.opts.attempts ?? 1);
    const { message, log } = end;
    // Before the queue hears of it: whoever is handed the job again must not start from the first attempt.
    if (!again)
      await store.fail(spec.id, { schema: 'proj.bench.failure/1', attempts: attempt, message, log });
    return { kind: 'failed', message, again };
  } catch (error) {
    if (!(error instanceof BenchError)) throw error;
    if (error.code === 'BENCH_JOB_HELD' || error.code === 'BENCH_LEASE_LOST') return postponed(error.message);
    throw error;
  }
}
