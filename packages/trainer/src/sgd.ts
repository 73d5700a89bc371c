import { sgdStep } from '@proj/ops';
import { checkedSchedule, type Optimizer, stepAll, zeroState } from './optimizer.ts';
import type { LearningRate } from './schedule.ts';

export interface SgdOptions {
  readonly learningRate: LearningRate;
  /** Default 0: no `momentum_buffer` is kept. */
  readonly momentum?: number;
  /** L2 penalty added to every gradient, biases and norms included. Default 0. */
  readonly weightDecay?: number;
}

/**
 * Stochastic gradient descent as torch.optim.SGD without dampening: `sgdStep` of `@proj/ops`.
 */
export function sgd({ learningRate, momentum = 0, weightDecay = 0 }: SgdOptions): Optimizer {
  const rate = checkedSchedule(learningRate);
  return {
    learningRate: rate,
    init: (parameters) => zeroState(parameters, momentum === 0 ? [] : ['momentum_buffer']),
    step(parameters, gradients, state) {
      return stepAll(
        parameters,
        gradients,
        state,
        ({ parameters, gradients, moments: [momentumBuffers] }) => {
          const settings = { learningRate: rate(state.step), momentum, weightDecay };
          const next = sgdStep({ parameters, gradients, momentumBuffers }, settings);
          return { parameters: next.parameters, moments: next.momentumBuffers ? [next.momentumBuffers] : [] };
        },
      );
    },
  };
}
