import {
  abs,
  add,
  div,
  mean,
  min,
  moments,
  mul,
  reshape,
  sqrt,
  type Tensor,
  tidy,
} from '@tensorflow/tfjs-core';
import { requireFinite } from './finite.ts';
import { layoutOf, levelsOf } from './layout.ts';
import type { LsqQuantizer } from './quantizers.ts';

/**
 * The steps [G] that LSQ starts with, from the tensor that it will see: c mean|x| / sqrt(Q_p) over what shares a step, c the
 * quantizer's `start` (Esser et al. 2020, section 2.1, and the reference code's `init_from`). LSQ+ starts with
 * max(|m - 3 d|, |m + 3 d|) / 2^(b-1), m the mean and d the standard deviation (over n, not n - 1) of what shares a step (Bhalgat et
 * al. 2020, equation 4).
 *
 * An explicit step, taken once: the reference code takes it in its first pass, and so overwrites steps that were loaded before it.
 * Elements that are all 0 give a step of 0, which counts as 1e-5 and can be learned.
 *
 * @throws {QuantStatsError} `QS_NON_FINITE`, `QS_SHAPE_MISMATCH`.
 */
export function initialStep(quantizer: LsqQuantizer, x: Tensor): Tensor {
  requireFinite(`the tensor that sets LSQ's steps of ${quantizer.name}`, x);
  const { groups, inner } = layoutOf(quantizer, x.shape);
  const { start, bits } = quantizer;
  return tidy(() => {
    const grouped = reshape(x, [-1, groups, inner]);
    if (start !== 'lsq+') {
      return div(mul(mean(abs(grouped), [0, 2]), start), Math.sqrt(levelsOf(quantizer).high));
    }
    const { mean: centre, variance } = moments(grouped, [0, 2]);
    // The larger of |m - 3 d| and |m + 3 d|.
    return div(add(abs(centre), mul(sqrt(variance), 3)), 2 ** (bits - 1));
  });
}

/** Images with a pixel below this are signed. */
const NEGATIVE = -1e-5;

/**
 * Whether images (offset before the quantizer included) have to be quantized with signed codes: where a pixel is below -1e-5.
 *
 * @throws {QuantStatsError} `QS_NON_FINITE`.
 */
export function imageIsSigned(images: Tensor, before?: Tensor): boolean {
  requireFinite('images', images);
  return tidy(() => {
    const moved =
      before === undefined ? images : add(reshape(images, [-1, before.size]), reshape(before, [before.size]));
    return min(moved).dataSync()[0]! < NEGATIVE;
  });
}
