import { add, mul, sub, type Tensor } from '@tensorflow/tfjs-core';
import { consumingStep, requireSetting } from './consuming-step.ts';

/** Lists with one float32 tensor for each parameter, of its shape. */
export interface SgdTensors {
  readonly parameters: readonly Tensor[];
  readonly gradients: readonly Tensor[];
  /** Zero at the start; undefined for descent without momentum. */
  readonly momentumBuffers: readonly Tensor[] | undefined;
}

export interface SgdSettings {
  readonly learningRate: number;
  /** Not used without momentum buffers. */
  readonly momentum: number;
  /** L2 penalty. */
  readonly weightDecay: number;
}

/**
 * One step of stochastic gradient descent for all parameters, as torch.optim.SGD without dampening, each operation rounded to float32:
 * `g += weightDecay · p; momentum_buffer = momentum · momentum_buffer + g; p -= learningRate · momentum_buffer`.
 *
 * Consumes its tensors as `adamwStep` does.
 *
 * @throws {OpsError} `OPS_SHAPE_MISMATCH`, `OPS_BAD_DTYPE`, `OPS_BAD_ARGUMENT` for a setting that is negative or not finite.
 */
export function sgdStep(
  { parameters, gradients, momentumBuffers }: SgdTensors,
  { learningRate, momentum, weightDecay }: SgdSettings,
): Omit<SgdTensors, 'gradients'> {
  const name = 'Sgd';
  requireSetting(name, 'learningRate', learningRate);
  requireSetting(name, 'momentum', momentum);
  requireSetting(name, 'weightDecay', weightDecay);
  // As float32, so that the kernel and the composed form agree on whether there is any.
  const decay = Math.fround(weightDecay);
  const [newParameters, newBuffers] = consumingStep(
    name,
    gradients,
    momentumBuffers === undefined ? { parameters } : { parameters, momentumBuffers },
    { rate: learningRate, momentum, decay },
    (gradient, [parameter, buffer]) => {
      const decayed = decay === 0 ? gradient : add(gradient, mul(parameter!, decay));
      if (buffer === undefined) return [sub(parameter!, mul(decayed, learningRate))];
      const velocity = add(mul(buffer, momentum), decayed);
      return [sub(parameter!, mul(velocity, learningRate)), velocity];
    },
  );
  return { parameters: newParameters!, momentumBuffers: newBuffers };
}
