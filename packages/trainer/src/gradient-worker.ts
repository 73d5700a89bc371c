import { parentPort, workerData } from 'node:worker_threads';
import { TrainerError } from './error.ts';
import type { Batch, GradientFunction } from './gradients.ts';
import { requireMatching } from './optimizer.ts';
import { changedBuffers } from './reduce.ts';
import { releaseTensors } from './release.ts';
import { type GradientAnswer, type GradientTask, toBatch } from './shards.ts';
import { readTensors, writeTensors } from './shared-tensors.ts';

/**
 * Makes a module what `dataParallel` starts as a worker: `make` gets `data` and returns what computes a shard's loss and gradients
 * on the backend that the module has set. Whatever is thrown ends the run.
 *
 * @throws {TrainerError} TRAINER_OPTION_INVALID outside a worker thread.
 */
export function serveGradients<B extends Batch, D>(make: (data: D) => GradientFunction<B>): void {
  const port = parentPort;
  if (port === null) {
    throw new TrainerError(
      'TRAINER_OPTION_INVALID',
      'serveGradients was called in the main thread; call it in a module that is passed to dataParallel, and import that nowhere.',
    );
  }
  const valueAndGradients = make(workerData as D);
  port.on('message', async (task: GradientTask) => port.postMessage(await answer(valueAndGradients, task)));
}

async function answer<B extends Batch>(
  valueAndGradients: GradientFunction<B>,
  { memory, ...task }: GradientTask,
): Promise<GradientAnswer> {
  const parameters = readTensors(memory, task.parameters);
  const buffers = readTensors(memory, task.buffers);
  const batch = readTensors(memory, task.batch);
  const result = await valueAndGradients(parameters, buffers, toBatch<B>(batch));
  requireMatching(parameters, result.gradients);
  await writeTensors(memory, task.gradients, result.gradients);
  const changed = await changedBuffers(buffers, result.buffers);
  const loss = (await result.loss.data())[0]!;
  releaseTensors(result.buffers, buffers);
  for (const tensors of [result.gradients, parameters, buffers, batch]) releaseTensors(tensors);
  result.loss.dispose();
  return { loss, buffers: changed };
}
