import { add, mul, sub } from '@tensorflow/tfjs-core';
import { checkedSchedule, type Optimizer, updateEach, zeroState } from './optimizer.ts';
import type { LearningRate } from './schedule.ts';

export interface SgdOptions {
  readonly learningRate: LearningRate;
  /** Default 0: no `momentum_buffer` is kept. */
  readonly momentum?: number;
  /** L2 penalty added to every gradient, biases and norms included. Default 0. */
  readonly weightDecay?: number;
}

/**
 * Stochastic gradient descent as torch.optim.SGD without dampening:
 * `g += weightDecay · p; momentum_buffer = momentum · momentum_buffer + g; p -= learningRate · momentum_buffer`.
 */
export function sgd({ learningRate, momentum = 0, weightDecay = 0 }: SgdOptions): Optimizer {
  const rate = checkedSchedule(learningRate);
  return {
    learningRate: rate,
    init: (parameters) => zeroState(parameters, momentum === 0 ? [] : ['momentum_buffer']),
    step(parameters, gradients, state) {
      const lr = rate(state.step);
      return updateEach(parameters, gradients, state, (_name, parameter, gradient, [buffer]) => {
        const decayed = weightDecay === 0 ? gradient : add(gradient, mul(parameter, weightDecay));
        if (buffer === undefined) return [sub(parameter, mul(decayed, lr))];
        const velocity = add(mul(buffer, momentum), decayed);
        return [sub(parameter, mul(velocity, lr)), velocity];
      });
    },
  };
}
