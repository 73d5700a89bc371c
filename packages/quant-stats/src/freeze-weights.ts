import { cast, reshape, type Tensor, tensor1d, tidy, where } from '@tensorflow/tfjs-core';
import { dequantize } from './codes.ts';
import { QuantStatsError } from './error.ts';
import type { LsqQuantizer } from './quantizers.ts';
import type { FreezingState } from './track-oscillation.ts';

/**
 * Iterative freezing (Nagel et al. 2022): the latent weight with its frozen entries at the middle of the level that `trackOscillation`
 * froze them at, code times step; the others as they are. To be done after each step of the optimizer, whatever optimizer and layer.
 *
 * The code stays, and the value follows the step. Unlike in the paper's code, where frozen entries are constants times the step, they add
 * nothing to its gradient, since LSQ's is 0 in the middle of a level.
 *
 * @throws {QuantStatsError} `QS_SHAPE_MISMATCH`, `QS_NON_FINITE` for steps; `QS_ARGUMENT_INVALID` for codes of another quantizer.
 */
export function freezeWeights(
  quantizer: LsqQuantizer,
  weight: Tensor,
  step: Tensor,
  { frozen, frozenCodes }: Pick<FreezingState, 'frozen' | 'frozenCodes'>,
): Tensor {
  if (frozen.length !== weight.size || frozenCodes.length !== weight.size) {
    throw new QuantStatsError(
      'QS_SHAPE_MISMATCH',
      `freezeWeights: the weight [${weight.shape}] has ${weight.size} entries, the state tells of ${frozen.length}; follow each weight with a state of its own.`,
    );
  }
  return tidy(() => {
    const integers = reshape(tensor1d(Int32Array.from(frozenCodes), 'int32'), weight.shape);
    const held = reshape(cast(tensor1d(Int32Array.from(frozen), 'int32'), 'bool'), weight.shape);
    return where(held, dequantize(quantizer, integers, step), weight);
  });
}
