// The process that runs one job: started by `superviseJob`, told what to do in its first message.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BenchError, type BenchErrorCode } from '../error.ts';
import type { Finished, Json, Task, TaskContext } from '../experiment.ts';
import { codeVersion } from './identity.ts';
import { holdLifeline } from './lifeline.ts';
import { machine } from './machine.ts';
import { METRICS_FILE, metricsFile } from './metrics.ts';
import { notJson } from './not-json.ts';
import { isTask } from './plan.ts';
import { requireSameData } from './same-data.ts';
import { type JobSpec, moduleUrl } from './spec.ts';
import { Store } from './store.ts';
import { taskVersions } from './versions.ts';

/** What the supervisor says. */
export interface ToChild {
  readonly root: string;
  readonly spec: JobSpec;
}

/** What the child says; after `done`, `stopped` and `failed` it ends. */
export type FromChild =
  | { readonly kind: 'progress'; readonly done: number; readonly total: number; readonly detail: string }
  | { readonly kind: 'done' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly message: string; readonly code?: BenchErrorCode };

// Ctrl-C reaches the whole process group; what to do about it is the supervisor's to say.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
const stop = new AbortController();
const lifeline = await holdLifeline(() => {
  if (!stop.signal.aborted) stop.abort(new BenchError('BENCH_STOPPED', 'stopped'));
});
process.once('message', perform);

const send = (message: FromChild) => new Promise<void>((resolve) => process.send!(message, () => resolve()));

async function perform({ root, spec }: ToChild): Promise<void> {
  try {
    await runTask(new Store(root), spec);
    await send({ kind: 'done' });
  } catch (error) {
    if (stop.signal.aborted && error === stop.signal.reason) await send({ kind: 'stopped' });
    else {
      console.error(error);
      await send({
        kind: 'failed',
        message: error instanceof Error ? error.message : String(error),
        ...(error instanceof BenchError && { code: error.code }),
      });
    }
  }
  process.exit();
}

async function runTask(store: Store, spec: JobSpec): Promise<void> {
  const { identity } = spec;
  const task = await findTask(spec);
  await requireSameData(identity.data);
  const needs: Record<string, Finished> = {};
  for (const [name, id] of Object.entries(identity.needs)) {
    const finished = await store.finished(id);
    if (finished === undefined)
      throw new BenchError('BENCH_UNKNOWN', `needs ${name} (${id}), which is not done`);
    needs[name] = finished;
  }
  const scratch = store.scratch(spec.id);
  const made = join(store.folder(spec.id), 'making');
  await rm(made, { recursive: true, force: true });
  for (const folder of [scratch, made]) await mkdir(folder, { recursive: true });
  const metricsPath = join(scratch, METRICS_FILE);
  const metrics = metricsFile(metricsPath);
  const clock = workClock(store.clock(spec.id));
  let told = 0;
  const context: TaskContext = {
    config: identity.config,
    seed: identity.seed,
    needs,
    scratch,
    files: made,
    metrics,
    signal: stop.signal,
    progress(done, total, detail = '') {
      lifeline.check();
      const now = performance.now();
      // A task may tell of every step; whoever looks on reads ten a second.
      if (now - told < 100) return;
      told = now;
      clock.save();
      process.send!({ kind: 'progress', done, total, detail } satisfies FromChild);
    },
  };
  let result: Json;
  try {
    result = await task.run(context);
  } finally {
    clock.save();
    metrics.close();
  }
  const fault = notJson(result);
  if (fault !== undefined)
    throw new BenchError(
      'BENCH_EXPERIMENT_INVALID',
      `the result of task "${identity.task}" is not JSON: ${fault}.`,
    );
  if (existsSync(metricsPath)) await copyFile(metricsPath, join(made, METRICS_FILE));
  await store.complete(spec, made, result, {
    finished: new Date().toISOString(),
    ...clock.work(),
    machine: machine(),
    versions: taskVersions(),
  });
}

async function findTask(spec: JobSpec): Promise<Task> {
  const module = (await import(moduleUrl(spec.module))) as Record<string, unknown>;
  const task = Object.values(module).find((value) => isTask(value, spec.identity.task)) as Task | undefined;
  if (task === undefined)
    throw new BenchError('BENCH_UNKNOWN', `${spec.module} exports no task "${spec.identity.task}"`);
  if (codeVersion(task) !== spec.identity.code) {
    throw new BenchError(
      'BENCH_CODE_DIFFERS',
      `the code of task "${task.name}" here is not that of the plan; check out and build the same commit here, or plan again`,
    );
  }
  return task;
}

/** What a job took, killed attempts included as far as they were written down. */
function workClock(file: string) {
  const before = existsSync(file) ? (readFileSync(file, 'utf8').split(' ').map(Number) as number[]) : [];
  const attempts = (before[0] || 0) + 1;
  const began = performance.now();
  const seconds = () => (before[1] || 0) + (performance.now() - began) / 1000;
  const save = () => writeFileSync(file, `${attempts} ${seconds().toFixed(3)}`);
  save();
  return { save, work: () => ({ attempts, seconds: seconds() }) };
}
