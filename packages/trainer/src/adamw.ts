import { add, div, mul, sqrt, square, sub } from '@tensorflow/tfjs-core';
import { checkedSchedule, type Optimizer, updateEach, zeroState } from './optimizer.ts';
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
 * AdamW (Loshchilov and Hutter 2019) in torch's order of operations:
 * `p *= 1 - lr·wd; exp_avg = b1·exp_avg + (1-b1)·g; exp_avg_sq = b2·exp_avg_sq + (1-b2)·g²;`
 * `p -= lr/(1-b1^t) · exp_avg / (sqrt(exp_avg_sq)/sqrt(1-b2^t) + eps)`.
 */
export function adamw({
  learningRate,
  betas: [beta1, beta2] = [0.9, 0.999],
  eps = 1e-8,
  weightDecay = 0.01,
  noDecay = timmNoDecay,
}: AdamwOptions): Optimizer {
  const rate = checkedSchedule(learningRate);
  return {
    learningRate: rate,
    init: (parameters) => zeroState(parameters, ['exp_avg', 'exp_avg_sq']),
    step(parameters, gradients, state) {
      const lr = rate(state.step);
      const time = state.step + 1;
      const stepSize = lr / (1 - beta1 ** time);
      const rootCorrection = Math.sqrt(1 - beta2 ** time);
      return updateEach(parameters, gradients, state, (name, parameter, gradient, [mean, variance]) => {
        const keep = noDecay(name, parameter.shape) ? 1 : 1 - lr * weightDecay;
        const decayed = keep === 1 ? parameter : mul(parameter, keep);
        const newMean = add(mul(mean!, beta1), mul(gradient, 1 - beta1));
        const newVariance = add(mul(variance!, beta2), mul(square(gradient), 1 - beta2));
        const denominator = add(div(sqrt(newVariance), rootCorrection), eps);
        return [sub(decayed, mul(div(newMean, denominator), stepSize)), newMean, newVariance];
      });
    },
  };
}
