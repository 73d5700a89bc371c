import {
  add,
  mean as meanOf,
  mul,
  reshape,
  rsqrt,
  slice,
  square,
  stack,
  sub,
  sum,
  type Tensor,
  tidy,
} from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.ts';
import { OpsError } from './error.ts';
import { fast } from './fast.ts';
import { requireFloat, requireShapes } from './shapes.ts';

/** A batch normalisation's running statistics, PyTorch's `running_mean` and `running_var`, and its eps. */
export interface BatchNormSpec {
  /** [C] */
  readonly mean: Tensor;
  /** [C] */
  readonly variance: Tensor;
  /** Added to the variance; PyTorch's default is 1e-5. */
  readonly eps: number;
}

/**
 * Batch normalisation (Ioffe and Szegedy 2015) with given statistics, as at inference: (x - mean) / sqrt(variance + eps) * weight + bias
 * of `x` [..., C], channels last as in tfjs's NHWC, with `weight` and `bias` [C], float32.
 *
 * dx = dy weight / sqrt(variance + eps), dweight = sum of dy x̂, dbias = sum of dy; the statistics count as constants.
 *
 * @throws {OpsError} `OPS_SHAPE_MISMATCH`, `OPS_BAD_DTYPE`, `OPS_BAD_ARGUMENT` for an `eps` that is not positive.
 */
export function batchNorm(
  x: Tensor,
  weight: Tensor,
  bias: Tensor,
  { mean, variance, eps }: BatchNormSpec,
): Tensor {
  requireBatchNorm('batchNorm', { x, weight, bias, mean, variance }, eps);
  return normalise(x, weight, bias, { mean, variance, eps }, false);
}

/**
 * `batchNorm` with the statistics of the batch, as in training: mean and population variance over all axes but the last, through
 * which x is differentiated too. Also returns the running statistics, moved towards the batch's by `momentum` (PyTorch's default
 * is 0.1), there with the unbiased variance; nothing given is written to, and they have no gradient.
 *
 * dx = weight / sqrt(variance + eps) (dy - mean(dy) - x̂ mean(dy x̂)), dweight = sum of dy x̂, dbias = sum of dy.
 *
 * @throws {OpsError} `OPS_SHAPE_MISMATCH`, also for fewer than two values per channel, `OPS_BAD_DTYPE`, `OPS_BAD_ARGUMENT` for an
 * `eps` that is not positive or a momentum outside [0, 1]; `OPS_NOT_DIFFERENTIABLE` where the returned statistics are differentiated.
 */
export function batchNormTraining(
  x: Tensor,
  weight: Tensor,
  bias: Tensor,
  { mean, variance, eps, momentum }: BatchNormSpec & { readonly momentum: number },
): { y: Tensor; mean: Tensor; variance: Tensor } {
  requireBatchNorm('batchNormTraining', { x, weight, bias, mean, variance }, eps);
  if (!(momentum >= 0 && momentum <= 1)) {
    throw new OpsError(
      'OPS_BAD_ARGUMENT',
      `batchNormTraining: momentum must be in [0, 1], got ${momentum}; it is the share of the batch, PyTorch's default 0.1.`,
    );
  }
  const channels = weight.size;
  const count = x.size / channels;
  requireShapes(count > 1, 'batchNormTraining', 'x [..., C] with two or more values per channel', { x });
  const towards = (running: Tensor, now: Tensor, factor: number): Tensor =>
    add(mul(running, 1 - momentum), mul(now, momentum * factor));
  return tidy(() => {
    const statistics = channelStatistics(x, channels);
    const row = (index: number): Tensor => reshape(slice(statistics, [index, 0], [1, channels]), [channels]);
    const batch = { mean: row(0), variance: row(1), eps };
    return {
      y: normalise(x, weight, bias, batch, true),
      mean: towards(mean, batch.mean, 1),
      variance: towards(variance, batch.variance, count / (count - 1)),
    };
  });
}

/** Mean and population variance of each channel, [2, C]. */
function channelStatistics(x: Tensor, channels: number): Tensor {
  return differentiable([x], ([x]) => ({
    value: fast('ChannelStatistics', { x: x! })?.[0] ?? composedStatistics(reshape(x!, [-1, channels])),
    saved: [],
    gradient: () => {
      throw new OpsError(
        'OPS_NOT_DIFFERENTIABLE',
        'batchNormTraining: the mean and variance that it returns have no gradient; differentiate its y, and use tf.moments for statistics that a loss depends on.',
      );
    },
  }));
}

function composedStatistics(rows: Tensor): Tensor {
  const mean = meanOf(rows, 0);
  return stack([mean, meanOf(square(sub(rows, mean)), 0)]);
}

/** `training`: mean and variance are those of x. */
function normalise(
  x: Tensor,
  weight: Tensor,
  bias: Tensor,
  { mean, variance, eps }: BatchNormSpec,
  training: boolean,
): Tensor {
  return differentiable([x, weight, bias], ([x, weight, bias]) => ({
    value:
      fast('BatchNorm', { x: x!, weight: weight!, bias: bias!, mean, variance }, { eps })?.[0] ??
      add(mul(normalised(x!, mean, variance, eps), weight!), bias!),
    saved: [x!, weight!, mean, variance],
    gradient: (dy, [x, weight, mean, variance]) => {
      const inputs = { dy, x: x!, weight: weight!, mean: mean!, variance: variance! };
      return (
        fast('BatchNormGradient', inputs, { eps, training: training ? 1 : 0 }) ??
        composedGradient(dy, normalised(x!, mean!, variance!, eps), weight!, variance!, eps, training)
      );
    },
  }));
}

const normalised = (x: Tensor, mean: Tensor, variance: Tensor, eps: number): Tensor =>
  mul(sub(x, mean), rsqrt(add(variance, eps)));

function composedGradient(
  dy: Tensor,
  normal: Tensor,
  weight: Tensor,
  variance: Tensor,
  eps: number,
  training: boolean,
): Tensor[] {
  const overRows = (t: Tensor): Tensor => sum(reshape(t, [t.size / weight.size, weight.size]), 0);
  const dBias = overRows(dy);
  const dWeight = overRows(mul(dy, normal));
  const share = weight.size / dy.size;
  const centred = training ? sub(sub(dy, mul(dBias, share)), mul(normal, mul(dWeight, share))) : dy;
  return [mul(centred, mul(weight, rsqrt(add(variance, eps)))), dWeight, dBias];
}

function requireBatchNorm(operation: string, tensors: Readonly<Record<string, Tensor>>, eps: number): void {
  requireFloat(operation, tensors);
  const { x, ...rest } = tensors;
  const channels = x!.shape.at(-1) ?? 0;
  requireShapes(
    channels > 0 && Object.values(rest).every((t) => t.rank === 1 && t.size === channels),
    operation,
    'x [..., C] with C > 0, weight, bias, mean and variance [C]',
    tensors,
  );
  if (!(eps > 0)) {
    throw new OpsError(
      'OPS_BAD_ARGUMENT',
      `${operation}: eps must be positive, got ${eps}; PyTorch's default is 1e-5.`,
    );
  }
}
