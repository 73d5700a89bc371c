import { globalNorm, type NamedTensors } from '@proj/ops';
import { mul, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { TrainerError } from './error.ts';
import type { Optimizer } from './optimizer.ts';
import { releaseTensors } from './release.ts';

/**
 * `optimizer` with gradients clipped by their global norm, as torch.nn.utils.clip_grad_norm_ does:
 * `g *= min(1, maxNorm / (norm + 1e-6))`. Waits for the norm at every step; with `maxNorm` infinite the gradients are only checked.
 *
 * @throws {TrainerError} TRAINER_OPTION_INVALID for a `maxNorm` that is not positive; its `step` TRAINER_GRADIENTS_NOT_FINITE, where
 * torch's default would write NaN into all parameters.
 */
export function clippedByGlobalNorm(optimizer: Optimizer, maxNorm: number): Optimizer {
  if (!(maxNorm > 0)) {
    throw new TrainerError('TRAINER_OPTION_INVALID', `maxNorm must be positive, got ${maxNorm}.`);
  }
  return {
    ...optimizer,
    step(parameters, gradients, state) {
      const norm = normOf([...gradients.values()]);
      if (!Number.isFinite(norm)) throw notFinite(norm, gradients, state.step + 1);
      const factor = maxNorm / (norm + 1e-6);
      if (factor >= 1) return optimizer.step(parameters, gradients, state);
      const scaled = tidy(() => [...gradients.values()].map((gradient) => mul(gradient, factor)));
      const clipped = new Map([...gradients.keys()].map((name, i) => [name, scaled[i]!]));
      try {
        const result = optimizer.step(parameters, clipped, state);
        releaseTensors(gradients);
        return result;
      } catch (error) {
        releaseTensors(clipped);
        throw error;
      }
    },
  };
}

function normOf(tensors: readonly Tensor[]): number {
  const norm = globalNorm(tensors);
  const value = norm.dataSync()[0]!;
  norm.dispose();
  return value;
}

function notFinite(norm: number, gradients: NamedTensors, step: number): TrainerError {
  const names = [...gradients].filter(([, gradient]) => !Number.isFinite(normOf([gradient])));
  const where = names.map(([name]) => `"${name}"`).join(', ') || 'no single one, only all together';
  return new TrainerError(
    'TRAINER_GRADIENTS_NOT_FINITE',
    `the global norm of the gradients of step ${step} is ${norm}; not finite: ${where}. Lower the learning rate or look at that batch. The step was not taken.`,
  );
}
