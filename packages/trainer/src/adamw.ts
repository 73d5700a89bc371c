import { adamwStep } from '@proj/ops';
import { checkedSchedule, type Optimizer, stepAll, zeroState } from './optimizer.ts';
import type { LearningRate } from './schedule.ts';

export interface AdamwOptions {
  readonly learningRate: LearningRate;
  /** Decay rates of the two moments. Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Added after the square root. Default 1e-8. */
  readonly eps?: number;
  /** Decoupled: `p *= 1 - learningRate · weightDecay`. Default 0.01. */
  readonly weightDecay?: number;
  /** Which parameters do not decay. Default {@link timmNoDecay}. */
  readonly noDecay?: (name: string, shape: readonly number[]) => boolean;
}

/** timm's decay groups for vision transformers: vectors, scalars, biases, position embeddings and tokens do not decay. */
export function timmNoDecay(name: string, shape: readonly number[]): boolean {
  return (
    shape.length <= 1 || name.endsWith('.bias') || ['pos_embed', 'cls_token', 'dist_token'].includes(name)
  );
}

/**
 * AdamW (Loshchilov and Hutter 2019) in torch's order of operations: `adamwStep` of `@proj/ops`.
 */
export function adamw({
  learningRate,
  betas = [0.9, 0.999],
  eps = 1e-8,
  weightDecay = 0.01,
  noDecay = timmNoDecay,
}: AdamwOptions): Optimizer {
  const rate = checkedSchedule(learningRate);
  return {
    learningRate: rate,
    init: (parameters) => zeroState(parameters, ['exp_avg', 'exp_avg_sq']),
    step(parameters, gradients, state) {
      const weightDecays = [...parameters].map(([name, { shape }]) =>
        noDecay(name, shape) ? 0 : weightDecay,
      );
      return stepAll(
        parameters,
        gradients,
        state,
        ({ parameters, gradients, moments: [expAvgs, expAvgSqs] }) => {
          const settings = { learningRate: rate(state.step), step: state.step + 1, betas, eps, weightDecays };
          const next = adamwStep(
            { parameters, gradients, expAvgs: expAvgs!, expAvgSqs: expAvgSqs! },
            settings,
          );
          return { parameters: next.parameters, moments: [next.expAvgs, next.expAvgSqs] };
        },
      );
    },
  };
}
