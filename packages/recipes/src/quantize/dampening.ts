import { dampening } from '@proj/quant-stats';
import type { Optimizer } from '@proj/trainer';
import { add, grad, scalar, type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { LsqWeight } from './weights.ts';
import { withGradients } from './with-gradients.ts';

/**
 * `optimizer` on the loss plus λ times `dampening` of all weights (Nagel et al. 2022, section 4.2); λ grows from 0 to `strength` along a half
 * cosine over so many steps. The penalty depends on the parameters alone, so that it is added here, as a gradient, whoever computes those of
 * the batch; the loss that events tell is that of the batch.
 */
export function dampened(
  optimizer: Optimizer,
  weights: readonly LsqWeight[],
  strength: number,
  steps: number,
): Optimizer {
  return withGradients(optimizer, (parameters, gradients, state) => {
    const lambda = (strength / 2) * (1 - Math.cos((Math.PI * state.step) / steps));
    return new Map(
      weights.map(({ name, quantizer, step }) => {
        const penalty = grad((weight: Tensor) => dampening(quantizer, weight, parameters.get(step)!));
        const total = tidy(() => add(gradients.get(name)!, penalty(parameters.get(name)!, scalar(lambda))));
        return [name, total];
      }),
    );
  });
}
