import { customGrad, type Tensor, tidy } from '@tensorflow/tfjs-core';

/** A value, what its gradient needs of it, and the gradient: one tensor for each input, of that input's shape. */
export interface Differentiated {
  readonly value: Tensor;
  readonly saved: Tensor[];
  readonly gradient: (dy: Tensor, saved: Tensor[]) => Tensor[];
}

/**
 * Runs `forward` as one step of tfjs's tape (`tf.customGrad`): what happens inside is not recorded, so none of tfjs's own gradients is used.
 *
 * Gradients read tensors only through `saved`; others may be gone by the time they run.
 */
export function differentiable(
  inputs: readonly Tensor[],
  forward: (inputs: Tensor[]) => Differentiated,
): Tensor {
  const operation = customGrad((...given) => {
    const save = given.pop() as (tensors: Tensor[]) => void;
    const { value, saved, gradient } = forward(given as Tensor[]);
    save(saved);
    // Not tidied by tfjs, which would hold what a gradient only needs in between until all gradients are there.
    return { value, gradFunc: (dy: Tensor, kept: Tensor[]) => tidy(() => gradient(dy, kept)) };
  });
  return operation(...inputs);
}
