import { linear, type NamedTensors } from '@proj/ops';
import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { LayerBits } from './bits.ts';
import { initialStep } from './initial-step.ts';
import { initLsqInput, lsqInput } from './lsq-input.ts';
import { named, parameterOf, weightStep } from './parameters.ts';
import { quantize } from './quantize.ts';
import { lsqFeatures, lsqRows } from './quantizers.ts';

/** A quantized classifier whose parameters begin with `prefix`; the paper's has 8 bits. */
export interface QHeadSpec {
  readonly prefix: string;
  readonly bits: LayerBits;
}

/**
 * Features [B, C] to logits [B, classes], float32 (`LSQ_QLinear4head`): LSQ with one step and offsets on the features, LSQ with a step
 * for each row on the weight. Reads `weight`, `bias`, `input_quant_fn.s` [1], `move_b4.bias`, `move_aft.bias` [C], `lsqw_fn.s` [classes].
 *
 * @throws {QuantStatsError} `QS_PARAMETER_MISSING`, `QS_SHAPE_MISMATCH`.
 */
export function qHead(x: Tensor, parameters: NamedTensors, { prefix, bits }: QHeadSpec): Tensor {
  const get = (name: string): Tensor => parameterOf(parameters, `${prefix}.${name}`);
  return tidy(() => {
    const step = parameterOf(parameters, weightStep(prefix));
    const weight = quantize(lsqRows(bits.weight), get('weight'), step);
    const input = lsqInput(x, parameters, { prefix, quantizer: lsqFeatures(bits.activation) });
    return linear(input, weight, get('bias'));
  });
}

/**
 * What quantization adds to a classifier's parameters, as it starts: steps from `x` and from the weight, offsets of 0.
 *
 * @throws {QuantStatsError} `QS_NON_FINITE`, `QS_PARAMETER_MISSING`, `QS_SHAPE_MISMATCH`.
 */
export function initQHead(
  x: Tensor,
  parameters: NamedTensors,
  { prefix, bits }: QHeadSpec,
): Map<string, Tensor> {
  const weight = parameterOf(parameters, `${prefix}.weight`);
  const added = initLsqInput(x, { prefix, quantizer: lsqFeatures(bits.activation) });
  return added.set(weightStep(prefix), initialStep(named(lsqRows(bits.weight), weightStep(prefix)), weight));
}
