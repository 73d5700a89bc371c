import type { NamedTensors } from '@proj/ops';
import type { Batch, GradientFunction, Optimizer, OptimizerState } from '@proj/trainer';
import { dispose } from '@tensorflow/tfjs-core';
import type { Prepared } from './answer.ts';

/** Forward, backward and update on one batch, again and again. Owns the parameters and the batch. */
export function trainingTask(
  start: NamedTensors,
  batch: Batch,
  valueAndGradients: GradientFunction<Batch>,
  optimizer: Optimizer,
): Prepared {
  let parameters = start;
  let state: OptimizerState = optimizer.init(start);
  const step = async (): Promise<number> => {
    const { loss, gradients } = await valueAndGradients(parameters, new Map(), batch);
    ({ parameters, state } = optimizer.step(parameters, gradients, state));
    const [value] = loss.dataSync();
    loss.dispose();
    return value!;
  };
  return {
    run: async () => {
      await step();
    },
    // The first loss: equal on every engine that has the same model, weights and images.
    check: async () => [await step()],
    release() {
      dispose([...parameters.values(), batch.images, batch.targets]);
      for (const moments of state.moments.values()) dispose([...moments.values()]);
    },
  };
}
