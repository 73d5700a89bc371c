import type { LsqOffsets, NamedTensors } from '@proj/ops';
import { type Tensor, zeros } from '@tensorflow/tfjs-core';
import { QuantStatsError } from './error.ts';
import type { LsqQuantizer } from './quantizers.ts';

/** @throws {QuantStatsError} `QS_PARAMETER_MISSING`. */
export function parameterOf(parameters: NamedTensors, name: string): Tensor {
  const parameter = parameters.get(name);
  if (parameter !== undefined) return parameter;
  throw new QuantStatsError(
    'QS_PARAMETER_MISSING',
    `there is no ${name} among the ${parameters.size} tensors given; what a quantized layer adds to a float one is made by its init function.`,
  );
}

/** The learned shifts around the quantizer of a layer's input. */
export const offsetsOf = (parameters: NamedTensors, prefix: string): LsqOffsets => ({
  before: parameterOf(parameters, `${prefix}.move_b4.bias`),
  after: parameterOf(parameters, `${prefix}.move_aft.bias`),
});

/** What the quantizer of a layer's input adds to its parameters: the given step, and shifts of `size` zeros. */
export const inputParameters = (prefix: string, step: Tensor, size: number): Map<string, Tensor> =>
  new Map([
    [inputStep(prefix), step],
    [`${prefix}.move_b4.bias`, zeros([size])],
    [`${prefix}.move_aft.bias`, zeros([size])],
  ]);

/** A quantizer that errors call by its steps. */
export const named = (quantizer: LsqQuantizer, steps: string): LsqQuantizer => ({
  ...quantizer,
  name: `"${steps}"`,
});

/** Names of LSQ's steps: of a layer's input, and of its weight. */
export const inputStep = (prefix: string): string => `${prefix}.input_quant_fn.s`;
export const weightStep = (prefix: string): string => `${prefix}.lsqw_fn.s`;
