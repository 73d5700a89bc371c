import { linear, type NamedTensors, type QuantizedAffine, quantizedLinear } from '@proj/ops';
import { add, type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { Bits, LayerBits } from './bits.ts';
import { initialStep } from './initial-step.ts';
import { lsqSpec } from './layout.ts';
import { initLsqInput, lsqInput } from './lsq-input.ts';
import { inputStep, named, offsetsOf, parameterOf, weightStep } from './parameters.ts';
import { quantize } from './quantize.ts';
import { type LsqQuantizer, lsqColumns, lsqPlusRows, lsqRows, lsqTokens } from './quantizers.ts';

/**
 * How the weights of linear layers are quantized: by StatsQ as OFQ has it, or by one of the baselines it is compared with, LSQ
 * (`LSQ_w_and_act_QLinear`) and LSQ+. These two differ in where their steps start, see `lsqRows` and `lsqPlusRows`. The inputs are
 * quantized alike in all: LSQ with learned offsets around it, which is LSQ+'s way with activations.
 */
export type WeightMethod = 'statsq' | 'lsq' | 'lsq+';

/** A quantized linear layer whose parameters begin with `prefix`. */
export interface QLinearSpec {
  readonly prefix: string;
  readonly bits: LayerBits;
  /** Whether its input has negative values; false behind a GELU. */
  readonly signed: boolean;
  readonly weights: WeightMethod;
}

/**
 * (LSQ(x + move_b4) + move_aft) Q(weight)ᵀ + bias (`QLinear`), plus `residual` where one is given: `x` [B, N, in] with a step for each of
 * N, or [B, H, W, in] with one for each of W -> [..., out], float32. Q is StatsQ, LSQ or LSQ+ with a scale or step for each row.
 *
 * Reads `weight` [out, in], `bias` [out], `input_quant_fn.s`, `move_b4.bias`, `move_aft.bias` [in], and `lsqw_fn.s` [out] where weights
 * are LSQ's or LSQ+'s. With the kernels of `@proj/wasm-kernels` a layer with StatsQ is one step of the tape.
 *
 * @throws {QuantStatsError} `QS_PARAMETER_MISSING`, `QS_SHAPE_MISMATCH`.
 * @throws {OpsError} `OPS_SHAPE_MISMATCH`, `OPS_BAD_DTYPE` for tensors that do not fit.
 */
export function qLinear(x: Tensor, parameters: NamedTensors, spec: QLinearSpec, residual?: Tensor): Tensor {
  const { weights, prefix } = spec;
  if (weights === 'statsq') return quantizedLinear(x, quantizedAffine(x.shape, parameters, spec), residual);
  return tidy(() => {
    const input = lsqInput(x, parameters, { prefix, quantizer: inputQuantizer(x.shape, spec) });
    const [weight, bias] = ['weight', 'bias'].map((name) => parameterOf(parameters, `${prefix}.${name}`));
    const step = parameterOf(parameters, weightStep(prefix));
    const y = linear(input, quantize(rowsQuantizer(weights, spec.bits.weight), weight!, step), bias);
    return residual === undefined ? y : add(residual, y);
  });
}

/**
 * What quantization adds to the parameters of a linear layer, as it starts: input steps from `x`, offsets of 0, and LSQ's or LSQ+'s steps from
 * the weight. `parameters` holds the weight already; it is left alone.
 *
 * @throws {QuantStatsError} `QS_NON_FINITE`, `QS_PARAMETER_MISSING`, `QS_SHAPE_MISMATCH`.
 */
export function initQLinear(x: Tensor, parameters: NamedTensors, spec: QLinearSpec): Map<string, Tensor> {
  const { prefix } = spec;
  const added = initLsqInput(x, { prefix, quantizer: inputQuantizer(x.shape, spec) });
  if (spec.weights !== 'statsq') {
    const weight = parameterOf(parameters, `${prefix}.weight`);
    const step = weightStep(prefix);
    added.set(step, initialStep(named(rowsQuantizer(spec.weights, spec.bits.weight), step), weight));
  }
  return added;
}

/**
 * A layer with StatsQ as the fused operations of `@proj/ops` take it (`quantizedMlp`, `quantizedAttentionBlock`), for an input of that
 * shape.
 *
 * @throws {QuantStatsError} `QS_PARAMETER_MISSING`, `QS_SHAPE_MISMATCH`.
 */
export function quantizedAffine(
  shape: readonly number[],
  parameters: NamedTensors,
  spec: Omit<QLinearSpec, 'weights'>,
): QuantizedAffine {
  const { prefix, bits } = spec;
  return {
    weight: parameterOf(parameters, `${prefix}.weight`),
    bias: parameterOf(parameters, `${prefix}.bias`),
    step: parameterOf(parameters, inputStep(prefix)),
    offsets: offsetsOf(parameters, prefix),
    input: lsqSpec(inputQuantizer(shape, spec), shape),
    bits: bits.weight,
  };
}

/** Tokens [B, N, C] or Swin's feature maps [B, H, W, C]. */
function inputQuantizer(
  shape: readonly number[],
  { bits, signed }: Pick<QLinearSpec, 'bits' | 'signed'>,
): LsqQuantizer {
  return shape.length === 4 ? lsqColumns(bits.activation, signed) : lsqTokens(bits.activation, signed);
}

const rowsQuantizer = (weights: 'lsq' | 'lsq+', bits: Bits): LsqQuantizer =>
  weights === 'lsq' ? lsqRows(bits) : lsqPlusRows(bits);
