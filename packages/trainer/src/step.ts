import { dispose } from '@tensorflow/tfjs-core';
import type { Position } from './checkpoint.ts';
import { TrainerError } from './error.ts';
import type { Batch, ValueAndGradients } from './gradients.ts';
import type { LiveState } from './live.ts';
import { releaseTensors } from './release.ts';
import type { TrainOptions } from './train.ts';

/** The state after a step, and what is told about it. */
interface StepTaken {
  readonly live: LiveState;
  readonly loss: number;
  readonly learningRate: number;
  readonly imagesPerSecond: number;
}

/**
 * One step of training: makes the batch, computes, updates. Consumes `live` unless it throws.
 *
 * @throws {TrainerError} TRAINER_LOSS_NOT_FINITE, and what the optimizer throws.
 */
export async function takeStep<B extends Batch>(
  options: Pick<TrainOptions<B, unknown>, 'optimizer' | 'batch' | 'valueAndGradients'>,
  live: LiveState,
  { epoch, step, globalStep }: Position,
): Promise<StepTaken> {
  const { optimizer } = options;
  const started = performance.now();
  const learningRate = optimizer.learningRate(live.optimizer.step);
  const batch = await options.batch(epoch, step);
  const images = batch.images.shape[0] ?? 0;
  const result = await compute(options, live, batch);
  try {
    const loss = (await result.loss.data())[0]!;
    if (!Number.isFinite(loss)) {
      throw new TrainerError(
        'TRAINER_LOSS_NOT_FINITE',
        `the loss of step ${globalStep + 1} (epoch ${epoch}, learning rate ${learningRate}) is ${loss}; lower the learning rate or look at that batch. The step was not taken.`,
      );
    }
    const { parameters, state } = optimizer.step(live.parameters, result.gradients, live.optimizer);
    releaseTensors(live.buffers, result.buffers);
    return {
      live: { parameters, buffers: result.buffers, optimizer: state },
      loss,
      learningRate,
      imagesPerSecond: (1000 * images) / (performance.now() - started),
    };
  } catch (error) {
    releaseTensors(result.gradients);
    releaseTensors(result.buffers, live.buffers);
    throw error;
  } finally {
    result.loss.dispose();
  }
}

/** The gradients of a batch, which is disposed in any case. */
async function compute<B extends Batch>(
  { valueAndGradients }: Pick<TrainOptions<B, unknown>, 'valueAndGradients'>,
  { parameters, buffers }: LiveState,
  batch: B,
): Promise<ValueAndGradients> {
  try {
    return await valueAndGradients(parameters, buffers, batch);
  } finally {
    dispose(Object.values(batch));
  }
}
