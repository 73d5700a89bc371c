import {
  abs,
  add,
  cast,
  clipByValue,
  div,
  equal,
  fill,
  lessEqual,
  mean,
  mul,
  onesLike,
  reshape,
  round,
  sub,
  type Tensor,
  tidy,
  where,
} from '@tensorflow/tfjs-core';
import { QuantStatsError } from './error.ts';
import { requireFinite } from './finite.ts';
import { layoutOf, levelsOf } from './layout.ts';
import type { Quantizer, StatsqQuantizer } from './quantizers.ts';

/** LSQ's steps below this count as this (the reference code's `eps`). */
export const SMALLEST_STEP = 1e-5;

/**
 * StatsQ's scales [G] of weights: s = 2 mean|w| over what shares one. 0 where all weights are 0.
 *
 * @throws {QuantStatsError} `QS_SHAPE_MISMATCH`, `QS_NON_FINITE`.
 */
export function statsqScale(quantizer: StatsqQuantizer, w: Tensor): Tensor {
  requireFinite('the weight', w);
  const { groups, inner } = layoutOf(quantizer, w.shape);
  return tidy(() => mul(mean(abs(reshape(w, [-1, groups, inner])), [0, 2]), 2));
}

/**
 * Where elements lie among the levels, of x's shape, float32: the code is this, rounded half to even and clipped to `levelsOf`, and
 * thresholds lie halfway between neighbouring codes. LSQ: (x + before) / step. StatsQ: n w / scale - 1/2 with n = 2^(b-1).
 *
 * `scale` [G] holds StatsQ's scales or LSQ's steps. Of a StatsQ scale that is 0 all weights lie at -1/2, so that they have code 0 and
 * the value 0, where the reference code divides 0 by 0.
 *
 * @throws {QuantStatsError} `QS_SHAPE_MISMATCH`, `QS_NON_FINITE` for elements, scales or offsets that are not finite.
 */
export function positions(quantizer: Quantizer, x: Tensor, scale: Tensor, before?: Tensor): Tensor {
  requireFinite('the tensor to quantize', x);
  requireFinite('the scale', scale);
  if (before !== undefined) requireFinite('the offset before the quantizer', before);
  return tidy(() => {
    const grouped = grouping(quantizer, x.shape, scale);
    const v = div(grouped(shifted(x, before)), effective(quantizer, scale));
    const n = 2 ** (quantizer.bits - 1);
    return reshape(quantizer.method === 'statsq' ? sub(mul(v, n), 0.5) : v, x.shape);
  });
}

/**
 * Integer codes, of x's shape, int32: what is stored of a quantized tensor, beside its scale.
 *
 * @throws {QuantStatsError} as `positions`.
 */
export function codes(quantizer: Quantizer, x: Tensor, scale: Tensor, before?: Tensor): Tensor {
  const { low, high } = levelsOf(quantizer);
  // Clipped after the rounding: StatsQ's saturated weights lie at the tie -n - 1/2, which then need not round to even.
  return tidy(() => cast(clipByValue(round(positions(quantizer, x, scale, before)), low, high), 'int32'));
}

/**
 * The values of codes, of their shape, float32: r step + after for LSQ, scale (k + 1/2) / n for StatsQ, which is what `quantize` gives
 * for the tensor that they were made of, bit for bit where its scale is the same.
 *
 * @throws {QuantStatsError} `QS_SHAPE_MISMATCH`, `QS_NON_FINITE`; `QS_ARGUMENT_INVALID` for codes that are none of the quantizer's.
 */
export function dequantize(quantizer: Quantizer, integers: Tensor, scale: Tensor, after?: Tensor): Tensor {
  requireFinite('the scale', scale);
  const { low, high } = levelsOf(quantizer);
  const stranger = integers.dataSync().find((code) => !Number.isInteger(code) || code < low || code > high);
  if (stranger !== undefined) {
    throw new QuantStatsError(
      'QS_ARGUMENT_INVALID',
      `${quantizer.method} with ${quantizer.bits} bits for ${quantizer.name} has codes from ${low} to ${high}, got ${stranger}; these codes were made by another quantizer.`,
    );
  }
  return tidy(() => {
    const k = grouping(quantizer, integers.shape, scale)(cast(integers, 'float32'));
    const levels = quantizer.method === 'statsq' ? div(add(k, 0.5), 2 ** (quantizer.bits - 1)) : k;
    const s = quantizer.method === 'statsq' ? reshape(scale, [scale.size, 1]) : effective(quantizer, scale);
    return shifted(reshape(mul(levels, s), integers.shape), after);
  });
}

/** Reads tensors of a shape as [outer, groups, inner], and refuses another number of scales than there are groups. */
function grouping(quantizer: Quantizer, shape: readonly number[], scale: Tensor): (x: Tensor) => Tensor {
  const { groups, inner } = layoutOf(quantizer, shape);
  if (scale.size !== groups) {
    throw new QuantStatsError(
      'QS_SHAPE_MISMATCH',
      `${quantizer.method} of ${quantizer.name} needs ${groups} scales for [${shape}], got [${scale.shape}].`,
    );
  }
  return (x) => reshape(x, [-1, groups, inner]);
}

/** What elements are divided by, [groups, 1]. */
function effective(quantizer: Quantizer, scale: Tensor): Tensor {
  const bounded =
    quantizer.method === 'statsq'
      ? where(equal(scale, 0), onesLike(scale), scale)
      : where(lessEqual(scale, SMALLEST_STEP), fill(scale.shape, SMALLEST_STEP), scale);
  return reshape(bounded, [scale.size, 1]);
}

/** x plus an offset that repeats along it. */
function shifted(x: Tensor, offset: Tensor | undefined): Tensor {
  if (offset === undefined) return x;
  if (x.size % offset.size !== 0) {
    throw new QuantStatsError(
      'QS_SHAPE_MISMATCH',
      `an offset [${offset.shape}] does not repeat along [${x.shape}]; it has one entry for each of the last elements.`,
    );
  }
  return reshape(add(reshape(x, [-1, offset.size]), offset), x.shape);
}
