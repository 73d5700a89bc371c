import { fork } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { BenchError } from '../error.ts';
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
  | { readonly kind: 'failed'; readonly message: string; readonly log: readonly string[] };

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
 * Runs one attempt of a job in a process of its own, which is alone in the job's folder as long as this one lives.
 *
 * @throws {BenchError} BENCH_JOB_HELD when another process works on it.
 */
export async function superviseJob(store: Store, spec: JobSpec, supervision: Supervision): Promise<JobEnd> {
  if (store.has(spec.id)) return { kind: 'done' };
  await store.describe(spec);
  const lease = await takeLease(store.folder(spec.id));
  if ('pid' in lease) {
    throw new BenchError(
      'BENCH_JOB_HELD',
      `${spec.label} (${spec.id}) is being worked on by process ${lease.pid} on ${lease.host}.`,
    );
  }
  try {
    // Whoever held the lease may have finished in between.
    if (store.has(spec.id)) return { kind: 'done' };
    return await runChild(store, spec, supervision, lease.lost);
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
  await mkdir(store.folder(spec.id), { recursive: true });
  const log = createWriteStream(store.log(spec.id), { flags: 'a' });
  const [command, ...args] = [...prefix, process.execPath];
  const child = fork(fileURLToPath(new URL('./child.js', import.meta.url)), {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execPath: command!,
    execArgv: [...args, ...process.execArgv],
    env: { ...process.env },
  });
  child.stdout!.pipe(log, { end: false });
  child.stderr!.pipe(log, { end: false });
  const began = performance.now();
  let end: JobEnd | undefined;
  let heard = performance.now();
  let written = 0;
  const send = (message: ToChild) => {
    if (child.connected) child.send(message, () => {});
  };
  const stop = () => send({ kind: 'stop' });
  const kill = () => child.kill('SIGKILL');
  const watch = setInterval(() => {
    if (performance.now() - heard > 1000 * killAfterSeconds) {
      end = { kind: 'failed', message: `silent for ${killAfterSeconds} s, killed`, log: [] };
      kill();
    }
  }, 1000);
  child.on('message', (message: FromChild) => {
    heard = performance.now();
    if (message.kind === 'progress') {
      const { done, total, detail } = message;
      tell({ done, total, detail });
      if (heard - written < 1000) return;
      written = heard;
      const seconds = (heard - began) / 1000;
      // It is for onlookers; a job does not fail because its progress cannot be written.
      store
        .setProgress(spec.id, { done, total, detail, seconds, heard: Date.now(), attempt })
        .catch(() => {});
    } else if (message.kind === 'failed') end = { ...message, log: [] };
    else end = message;
  });
  signal.addEventListener('abort', stop);
  leaseLost.addEventListener('abort', kill);
  if (leaseLost.aborted) kill();
  send({ kind: 'run', root: store.root, spec, attempt });
  if (signal.aborted) stop();
  const exit = await new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, by) =>
      resolve(by === null ? `it ended with exit code ${code}` : `it was ended by ${by}`),
    );
  });
  clearInterval(watch);
  signal.removeEventListener('abort', stop);
  leaseLost.removeEventListener('abort', kill);
  await new Promise((resolve) => log.end(resolve));
  if (leaseLost.aborted)
    throw new BenchError('BENCH_LEASE_LOST', `another process took over ${spec.label} (${spec.id}).`);
  end ??= { kind: 'failed', message: exit, log: [] };
  // The child ended well only if its result lies there.
  if (end.kind === 'done' && !store.has(spec.id))
    end = { kind: 'failed', message: 'it left no result', log: [] };
  return end.kind === 'failed' ? { ...end, log: await lastLines(store.log(spec.id)) } : end;
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
