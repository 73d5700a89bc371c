import { type LsqOffsets, lsq, statsq } from '@proj/ops';
import type { Tensor } from '@tensorflow/tfjs-core';
import { lsqSpec, statsqSpec } from './layout.ts';
import type { LsqQuantizer, Quantizer, StatsqQuantizer } from './quantizers.ts';

/**
 * Fake-quantizes: x, of the same shape, on the quantizer's levels, float32; differentiable with respect to x, step and offsets.
 *
 * StatsQ takes its scale from `x` itself, and its gradient is the identity (Liu et al. 2023). LSQ takes learned steps [G], G as
 * `layoutOf` says, and offsets around it (`move_b4`, `move_aft`): [C] for tokens, [H W] for images, one pixel's shared by its
 * channels. Steps below 1e-5 count as 1e-5. Where x is not finite the value is neither (NaN for LSQ): no clip hides it. It is not
 * refused here, since that would read every tensor back in every pass; `codes` and `initialStep` refuse it.
 *
 * @throws {QuantStatsError} `QS_SHAPE_MISMATCH`.
 * @throws {OpsError} `OPS_SHAPE_MISMATCH`, `OPS_BAD_DTYPE` for steps or offsets that do not fit.
 */
export function quantize(quantizer: StatsqQuantizer, x: Tensor): Tensor;
export function quantize(quantizer: LsqQuantizer, x: Tensor, step: Tensor, offsets?: LsqOffsets): Tensor;
export function quantize(quantizer: Quantizer, x: Tensor, step?: Tensor, offsets?: LsqOffsets): Tensor {
  return quantizer.method === 'statsq'
    ? statsq(x, statsqSpec(quantizer, x.shape))
    : lsq(x, step!, lsqSpec(quantizer, x.shape), offsets);
}
