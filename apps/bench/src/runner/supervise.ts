import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { BenchError, type BenchErrorCode } from '../error.ts';
import type { FromChild, ToChild } from './child.ts';
import { takeLease } from './lease.ts';
import type { JobSpec } from './spec.ts';
import type { Store } from './store.ts';

/** Without a sign of life for so long, a job is shown as stalled; for so much longer, it is killed and counts as failed. */
export const stallSeconds = { shown: 60, killed: 900 };

export interface JobEvent {
  readonly done: number;
  readonly total: number;
  readonly detail: string;
}

export type JobEnd =
  | { readonly kind: 'done' }
  | { readonly kind: 'stopped' }
  | {
      readonly kind: 'failed';
      readonly message: string;
      /** Where an error of ours ended it. */
      readonly code?: BenchErrorCode;
      readonly log: readonly string[];
    };

export interface Supervision {
  readonly attempt: number;
  /** Aborted to stop the job at its next checkpoint. */
  readonly signal: AbortSignal;
  readonly tell: (event: JobEvent) => void;
  /** What the job's process is started under, e.g. `taskset -c 1`. */
  readonly prefix?: readonly string[];
  /** Kills a job that has been silent for so long; default `stallSeconds.killed`. */
  readonly killAfterSeconds?: number;
}

/**
 * Runs one attempt of a job in a process of its own, which is alone in the job's folder as long as this one lives, and ends when this one
 * does.
 *
 * @throws {BenchError} BENCH_JOB_HELD when another process works on it, BENCH_LEASE_LOST when another took it over meanwhile.
 */
export async function superviseJob(store: Store, spec: JobSpec, supervision: Supervision): Promise<JobEnd> {
  if (store.has(spec.id)) return { kind: 'done' };
  if (supervision.signal.aborted) return { kind: 'stopped' };
  await store.describe(spec);
  const lease = await takeLease(store.folder(spec.id));
  if ('pid' in lease) {
    throw new BenchError(
      'BENCH_JOB_HELD',
      `${spec.label} (${spec.id}) is being worked on by process ${lease.pid} on ${lease.host}.`,
    );
  }
  try {
    // Whoever held the lease may have finished in between, or have been killed while tidying up.
    const end: JobEnd = store.has(spec.id)
      ? { kind: 'done' }
      : await runChild(store, spec, supervision, lease.lost);
    if (end.kind === 'done') await store.tidy(spec.id);
    return end;
  } finally {
    await lease.release();
  }
}

/** Whoever finished a job may have been killed before it removed what the job left behind. */
export async function sweep(store: Store, id: string): Promise<void> {
  if (!existsSync(store.scratch(id)) || !store.has(id)) return;
  const lease = await takeLease(store.folder(id));
  if ('pid' in lease) return;
  try {
    await store.tidy(id);
  } finally {
    await lease.release();
  }
}

async function runChild(
  store: Store,
  spec: JobSpec,
  { attempt, signal, tell, prefix = [], killAfterSeconds = stallSeconds.killed }: Supervision,
  leaseLost: AbortSignal,
): Promise<JobEnd> {
  // Of an attempt that was killed: it would look stalled.
  await store.clearProgress(spec.id);
  const log = await open(store.log(spec.id), 'a');
  const [command, ...args] = [...prefix, process.execPath];
  const child = fork(fileURLToPath(new URL('./child.js', import.meta.url)), {
    // Standard input is the lifeline.
    stdio: ['pipe', log.fd, log.fd, 'ipc'],
    execPath: command!,
    execArgv: [...args, ...process.execArgv],
  });
  const began = performance.now();
  let said: JobEnd | undefined;
  let heard = began;
  let written = 0;
  let writing = Promise.resolve();
  child.stdin!.on('error', () => {});
  const stop = () => child.stdin!.write('stop');
  const kill = () => child.kill('SIGKILL');
  const watch = setInterval(
    () => {
      if (performance.now() - heard < 1000 * killAfterSeconds) return;
      said = { kind: 'failed', message: `silent for ${killAfterSeconds} s, killed`, log: [] };
      kill();
    },
    Math.min(1000, 250 * killAfterSeconds),
  );
  child.on('message', (message: FromChild) => {
    heard = performance.now();
    if (message.kind === 'failed') said = { ...message, log: [] };
    else if (message.kind !== 'progress') said = message;
    else {
      const { done, total, detail } = message;
      tell({ done, total, detail });
      if (heard - written < 1000) return;
      written = heard;
      const seconds = (heard - began) / 1000;
      const progress = { done, total, detail, seconds, heard: Date.now(), attempt };
      // It is for onlookers; a job does not fail because its progress cannot be written.
      writing = writing.then(() => store.setProgress(spec.id, progress)).catch(() => {});
    }
  });
  signal.addEventListener('abort', stop);
  leaseLost.addEventListener('abort', kill);
  child.send({ root: store.root, spec } satisfies ToChild, () => {});
  if (signal.aborted) stop();
  if (leaseLost.aborted) kill();
  const exit = await new Promise<string>((resolve) => {
    child.once('error', (error) => {
      if (child.pid === undefined) resolve(`it could not be started: ${error.message}`);
    });
    child.once('close', (code, by) =>
      resolve(by === null ? `it ended with exit code ${code}` : `it was ended by ${by}`),
    );
  });
  clearInterval(watch);
  signal.removeEventListener('abort', stop);
  leaseLost.removeEventListener('abort', kill);
  await log.close();
  await writing;
  await store.clearProgress(spec.id).catch(() => {});
  if (leaseLost.aborted)
    throw new BenchError('BENCH_LEASE_LOST', `another process took over ${spec.label} (${spec.id}).`);
  // Its result is what counts; how the process ended after that does not.
  if (store.has(spec.id)) return { kind: 'done' };
  // Ctrl-C reaches the child as well, perhaps before it listens.
  if (said === undefined && signal.aborted) return { kind: 'stopped' };
  if (said?.kind === 'stopped') return said;
  const message = said?.kind === 'failed' ? said.message : said === undefined ? exit : 'it left no result';
  const code = said?.kind === 'failed' ? said.code : undefined;
  return {
    kind: 'failed',
    message,
    ...(code !== undefined && { code }),
    log: await lastLines(store.log(spec.id)),
  };
}

const logLines = 8;

async function lastLines(path: string): Promise<string[]> {
  const handle = await open(path).catch(() => undefined);
  if (handle === undefined) return [];
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, 4096);
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString('utf8').trimEnd().split('\n').slice(-logLines);
  } finally {
    await handle.close();
  }
}
