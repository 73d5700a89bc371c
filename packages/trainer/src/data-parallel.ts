import type { NamedTensors } from '@proj/ops';
import { TrainerError } from './error.ts';
import type { Batch, GradientFunction, ValueAndGradients } from './gradients.ts';
import { reduceShards } from './reduce.ts';
import { releaseTensors } from './release.ts';
import { type GradientTask, planStep, shardSizes, toBatch } from './shards.ts';
import { readTensors, writeTensors } from './shared-tensors.ts';
import { startThread } from './worker-thread.ts';

export interface DataParallelOptions<B extends Batch> {
  /** How many compute at a time; this thread is worker 0, the others are threads of their own. */
  readonly workers: number;
  /** Computes shard 0 in this thread. Its loss is a mean over the images. */
  readonly valueAndGradients: GradientFunction<B>;
  /** What the other workers run: a module that sets a backend and calls `serveGradients` with the same function. */
  readonly module: URL;
  /** What the function given to `serveGradients` gets; anything that can be cloned. */
  readonly data?: unknown;
}

/** Workers that compute gradients together. */
export interface DataParallel<B extends Batch> {
  readonly workers: number;
  /** For `train`. One call at a time. */
  readonly valueAndGradients: GradientFunction<B>;
  /** Ends the workers; to be called however the training ends. */
  close(): Promise<void>;
}

/**
 * Loss and gradients of a batch from several workers, each with a backend and a heap of its own. The batch is split along its
 * first axis into shards as equal as can be; the mean over the batch is put together from the means over the shards, weighted by
 * their sizes and added in the order of the workers, so that it depends on the arguments and the number of workers alone. One
 * worker is `valueAndGradients` itself. Float32 buffers are averaged like gradients, others are those of shard 0.
 *
 * A worker that throws or exits ends the step and all workers, as any other error in a step does. Workers that wait for the next
 * step do not keep the process alive.
 *
 * @throws {TrainerError} TRAINER_OPTION_INVALID; in a step TRAINER_WORKER_FAILED with the worker's stack, TRAINER_BATCH_INVALID,
 * TRAINER_GRADIENTS_MISMATCH.
 */
export function dataParallel<B extends Batch>(options: DataParallelOptions<B>): DataParallel<B> {
  const { workers, valueAndGradients, module, data } = options;
  if (!Number.isSafeInteger(workers) || workers < 1) {
    throw new TrainerError(
      'TRAINER_OPTION_INVALID',
      `workers must be an integer of at least 1, got ${workers}.`,
    );
  }
  if (workers === 1) return { workers, valueAndGradients, close: async () => {} };
  const threads = Array.from({ length: workers - 1 }, (_, i) =>
    startThread(`worker ${i + 1} (0 is the main thread)`, module, data),
  );
  const close = async (): Promise<void> => {
    await Promise.all(threads.map((thread) => thread.end()));
  };
  let memory = new SharedArrayBuffer(0);
  let busy = false;

  /** Sets the workers to their shards, and computes shard 0 meanwhile. */
  async function step(
    parameters: NamedTensors,
    buffers: NamedTensors,
    batch: NamedTensors,
    sizes: readonly number[],
  ): Promise<ValueAndGradients> {
    const plan = planStep(parameters, buffers, batch, sizes);
    if (plan.bytes > memory.byteLength) memory = new SharedArrayBuffer(plan.bytes);
    const tasks = plan.shards.map((shard) => ({ memory, ...shard }));
    const [first, ...rest] = tasks as [GradientTask, ...GradientTask[]];
    await writeTensors(memory, first.parameters, parameters);
    await writeTensors(memory, first.buffers, buffers);
    await writeTensors(memory, plan.batch, batch);
    const answers = Promise.all(
      rest.map(async (task, i) => ({
        memory,
        gradients: task.gradients,
        ...(await threads[i]!.compute(task)),
      })),
    );
    // They are awaited after our own shard; a failure before that is not unhandled.
    answers.catch(() => {});
    const shard = readTensors(memory, first.batch);
    let own: ValueAndGradients;
    try {
      own = await valueAndGradients(parameters, buffers, toBatch<B>(shard));
    } finally {
      releaseTensors(shard);
    }
    try {
      const rows = sizes.reduce((sum, size) => sum + size, 0);
      const weights = sizes.map((size) => size / rows);
      return await reduceShards({ parameters, buffers }, own, await answers, weights);
    } finally {
      own.loss.dispose();
      releaseTensors(own.gradients);
      releaseTensors(own.buffers, buffers);
    }
  }

  return {
    workers,
    close,
    async valueAndGradients(parameters, buffers, batch) {
      if (busy) {
        throw new TrainerError(
          'TRAINER_OPTION_INVALID',
          'the workers are still computing another step; wait for it before asking for the next.',
        );
      }
      busy = true;
      try {
        const sizes = shardSizes(batch.images.shape[0] ?? 0, workers);
        return await step(parameters, buffers, new Map(Object.entries(batch)), sizes);
      } catch (error) {
        await close();
        throw error;
      } finally {
        busy = false;
      }
    },
  };
}
