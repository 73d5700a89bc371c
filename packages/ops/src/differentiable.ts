import { clone, customGrad, engine, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { OpsError } from './error.ts';

/** A value, what its gradient needs of it, and the gradient: one tensor for each input, of that input's shape. */
export interface Differentiated {
  readonly value: Tensor;
  readonly saved: Tensor[];
  readonly gradient: (dy: Tensor, saved: Tensor[]) => Tensor[];
}

/**
 * Runs `forward` as one step of tfjs's tape (`tf.customGrad`): what happens inside is not recorded, so none of tfjs's own gradients is used.
 *
 * Gradients read tensors only through `saved`; others may be gone by the time they run. They are of first order: what was saved of
 * the inside is a constant to the tape, so that a gradient of the gradient would be wrong, and is refused (`OPS_NOT_DIFFERENTIABLE`).
 */
export function differentiable(
  inputs: readonly Tensor[],
  forward: (inputs: Tensor[]) => Differentiated,
): Tensor {
  const operation = customGrad((...given) => {
    const save = given.pop() as (tensors: Tensor[]) => void;
    const { value, saved, gradient } = forward(given as Tensor[]);
    save(saved);
    const gradFunc = (dy: Tensor, kept: Tensor[]): Tensor[] => {
      // Not tidied by tfjs, which would hold what a gradient only needs in between until all gradients are there.
      const gradients = tidy(() => gradient(dy, kept));
      const isNested = engine().state.gradientDepth > 0;
      return isNested ? gradients.map((result) => firstOrder(result, [dy, ...inputs])) : gradients;
    };
    return { value, gradFunc };
  });
  return operation(...inputs);
}

/** A gradient as an outer tape is to see it: made of those tensors, and not differentiable. */
function firstOrder(gradient: Tensor, sources: readonly Tensor[]): Tensor {
  const operation = customGrad(() => ({
    value: clone(gradient),
    gradFunc: () => {
      throw new OpsError(
        'OPS_NOT_DIFFERENTIABLE',
        `the gradient [${gradient.shape}] of an operation of @proj/ops was differentiated, and has no gradient itself; compose what is differentiated twice of tfjs-core's own operations.`,
      );
    },
  }));
  return operation(...sources);
}
