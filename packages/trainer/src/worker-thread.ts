import { inspect } from 'node:util';
import { Worker } from 'node:worker_threads';
import { TrainerError } from './error.ts';
import type { GradientAnswer, GradientTask } from './shards.ts';

/** A worker, seen from the main thread. */
export interface WorkerThread {
  /** @throws {TrainerError} TRAINER_WORKER_FAILED when the worker is gone or goes before it answers. */
  compute(task: GradientTask): Promise<GradientAnswer>;
  end(): Promise<void>;
}

/** @param name says in errors which worker it is. */
export function startThread(name: string, module: URL, data: unknown): WorkerThread {
  const worker = new Worker(module, { workerData: data });
  let failure: TrainerError | undefined;
  let waiting: { resolve(answer: GradientAnswer): void; reject(error: TrainerError): void } | undefined;
  const fail = (what: string): void => {
    failure ??= new TrainerError(
      'TRAINER_WORKER_FAILED',
      `${name} ${what}\nThe step was not taken; go on from the last checkpoint.`,
    );
    waiting?.reject(failure);
  };
  worker.on('message', (answer: GradientAnswer) => waiting?.resolve(answer));
  // An error comes before the exit that follows from it, and brings the worker's stack along.
  worker.on('error', (error) => fail(`threw ${inspect(error)}`));
  worker.on('exit', (code) => fail(`has ended with exit code ${code}.`));
  // Only a worker that is waited for keeps the process alive.
  worker.unref();
  return {
    async compute(task) {
      if (failure !== undefined) throw failure;
      worker.ref();
      try {
        return await new Promise<GradientAnswer>((resolve, reject) => {
          waiting = { resolve, reject };
          worker.postMessage(task);
        });
      } finally {
        // An error is followed by the exit, which has yet to be waited for.
        if (failure === undefined) worker.unref();
      }
    },
    async end() {
      await worker.terminate();
    },
  };
}
