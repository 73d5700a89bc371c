import { add, div, mul, sqrt, square, sub, type Tensor } from '@tensorflow/tfjs-core';
import { consumingStep, requireSetting } from './consuming-step.ts';
import { OpsError } from './error.ts';

/** Lists with one float32 tensor for each parameter, of its shape. */
export interface AdamwTensors {
  readonly parameters: readonly Tensor[];
  readonly gradients: readonly Tensor[];
  /** First moments, zero at the start. */
  readonly expAvgs: readonly Tensor[];
  /** Second moments, zero at the start. */
  readonly expAvgSqs: readonly Tensor[];
}

export interface AdamwSettings {
  readonly learningRate: number;
  /** Counted from 1: the correction of the moments' bias depends on it. */
  readonly step: number;
  /** Decay rates of the two moments. */
  readonly betas: readonly [number, number];
  /** Added after the square root. */
  readonly eps: number;
  /** One for each parameter; 0 where it does not decay. */
  readonly weightDecays: readonly number[];
}

/**
 * One step of AdamW (Loshchilov and Hutter 2019) for all parameters, in torch's order of operations, each rounded to float32:
 * `p *= 1 - lr·wd; exp_avg = b1·exp_avg + (1-b1)·g; exp_avg_sq = b2·exp_avg_sq + (1-b2)·g²;`
 * `p -= lr/(1-b1^t) · exp_avg / (sqrt(exp_avg_sq)/sqrt(1-b2^t) + eps)`.
 *
 * Consumes its tensors: all are disposed, and the kernel of `@proj/wasm-kernels` writes the new values in place of the old ones
 * wherever no clone, reshaped tensor or variable shares their memory. Where it throws, nothing was consumed or changed.
 *
 * @throws {OpsError} `OPS_SHAPE_MISMATCH`, `OPS_BAD_DTYPE`, `OPS_BAD_ARGUMENT` for a setting that torch refuses too.
 */
export function adamwStep(
  { parameters, gradients, expAvgs, expAvgSqs }: AdamwTensors,
  { learningRate, step, betas: [beta1, beta2], eps, weightDecays }: AdamwSettings,
): Omit<AdamwTensors, 'gradients'> {
  const name = 'AdamW';
  requireSetting(name, 'learningRate', learningRate);
  requireSetting(name, 'step', step, [1, Number.POSITIVE_INFINITY]);
  requireSetting(name, 'betas[0]', beta1, [0, 1]);
  requireSetting(name, 'betas[1]', beta2, [0, 1]);
  requireSetting(name, 'eps', eps);
  for (const [i, decay] of weightDecays.entries()) requireSetting(name, `weightDecays[${i}]`, decay);
  if (weightDecays.length !== parameters.length) {
    throw new OpsError(
      'OPS_BAD_ARGUMENT',
      `${name}: there are ${weightDecays.length} weightDecays for ${parameters.length} parameters; give one for each, 0 where it does not decay.`,
    );
  }
  const keeps = weightDecays.map((decay) => 1 - learningRate * decay);
  const [rest1, rest2] = [1 - beta1, 1 - beta2];
  const stepSize = learningRate / (1 - beta1 ** step);
  const correction = Math.sqrt(1 - beta2 ** step);
  const [newParameters, newMeans, newVariances] = consumingStep(
    name,
    gradients,
    { parameters, expAvgs, expAvgSqs },
    { keeps, beta1, rest1, beta2, rest2, correction, eps, stepSize },
    (gradient, [parameter, mean, variance], i) => {
      const decayed = mul(parameter!, keeps[i]!);
      const newMean = add(mul(mean!, beta1), mul(gradient, rest1));
      const newVariance = add(mul(variance!, beta2), mul(square(gradient), rest2));
      const denominator = add(div(sqrt(newVariance), correction), eps);
      return [sub(decayed, mul(div(newMean, denominator), stepSize)), newMean, newVariance];
    },
  );
  return { parameters: newParameters!, expAvgs: newMeans!, expAvgSqs: newVariances! };
}
