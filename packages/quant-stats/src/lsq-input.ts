import type { NamedTensors } from '@proj/ops';
import type { Tensor } from '@tensorflow/tfjs-core';
import { initialStep } from './initial-step.ts';
import { inputParameters, inputStep, named, offsetsOf, parameterOf } from './parameters.ts';
import { quantize } from './quantize.ts';
import type { LsqQuantizer } from './quantizers.ts';

/** LSQ with offsets on an activation whose parameters begin with `prefix`. */
export interface LsqInputSpec {
  readonly prefix: string;
  readonly quantizer: LsqQuantizer;
}

/**
 * LSQ(x + move_b4) + move_aft (`LSQ_input`), of x's shape, float32. Reads `input_quant_fn.s` [G], `move_b4.bias` and `move_aft.bias`
 * [C]; the two offsets are independent, and learned in full precision (Liu et al. 2023, after LSQ+).
 *
 * @throws {QuantStatsError} `QS_PARAMETER_MISSING`, `QS_SHAPE_MISMATCH`.
 */
export function lsqInput(x: Tensor, parameters: NamedTensors, { prefix, quantizer }: LsqInputSpec): Tensor {
  const step = parameterOf(parameters, inputStep(prefix));
  return quantize(quantizer, x, step, offsetsOf(parameters, prefix));
}

/**
 * The parameters that `lsqInput` reads, as they start: steps from `x`, offsets of 0.
 *
 * @throws {QuantStatsError} `QS_NON_FINITE`, `QS_SHAPE_MISMATCH`.
 */
export function initLsqInput(x: Tensor, { prefix, quantizer }: LsqInputSpec): Map<string, Tensor> {
  return inputParameters(prefix, initialStep(named(quantizer, inputStep(prefix)), x), x.shape.at(-1)!);
}
