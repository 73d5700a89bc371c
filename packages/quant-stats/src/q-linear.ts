import { linear, type NamedTensors, type QuantizedAffine, quantizedLinear } from '@proj/ops';
import { add, type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { LayerBits } from './bits.ts';
import { initialStep } from './initial-step.ts';
import { lsqSpec } from './layout.ts';
import { initLsqInput, lsqInput } from './lsq-input.ts';
import { inputStep, offsetsOf, parameterOf, weightStep } from './parameters.ts';
import { quantize } from './quantize.ts';
import { type LsqQuantizer, lsqColumns, lsqRows, lsqTokens } from './quantizers.ts';

/** A quantized linear layer whose parameters begin with `prefix`. */
export interface QLinearSpec {
  readonly prefix: string;
  readonly bits: LayerBits;
  /** Whether its input has negative values; false behind a GELU. */
  readonly signed: boolean;
  /** StatsQ as OFQ has it, or LSQ as the baseline it is compared with (`LSQ_w_and_act_QLinear`). */
  readonly weights: 'statsq' | 'lsq';
}

/**
 * (LSQ(x + move_b4) + move_aft) Q(weight)ᵀ + bias (`QLinear`), plus `residual` where one is given: `x` [B, N, in] with a step for each of
 * N, or [B, H, W, in] with one for each of W -> [..., out], float32. Q is StatsQ or LSQ with a scale or step for each row.
 *
 * Reads `weight` [out, in], `bias` [out], `input_quant_fn.s`, `move_b4.bias`, `move_aft.bias` [in], and `lsqw_fn.s` [out] where weights
 * are LSQ's. With the kernels of `@proj/wasm-kernels` a layer with StatsQ is one step of the tape.
 *
 * @throws {QuantStatsError} `QS_PARAMETER_MISSING`, `QS_SHAPE_MISMATCH`.
 * @throws {OpsError} `OPS_SHAPE_MISMATCH`, `OPS_BAD_DTYPE` for tensors that do not fit.
 */
export function qLinear(x: Tensor, parameters: NamedTensors, spec: QLinearSpec, residual?: Tensor): Tensor {
  if (spec.weights === 'statsq') {
    // Tidied, since without kernels it is made of several operations.
    return tidy(() => quantizedLinear(x, quantizedAffine(x.shape, parameters, spec), residual));
  }
  const { prefix } = spec;
  return tidy(() => {
    const input = lsqInput(x, parameters, { prefix, quantizer: inputQuantizer(x.shape, spec) });
    const [weight, bias] = [`${prefix}.weight`, `${prefix}.bias`].map((name) =>
      parameterOf(parameters, name),
    );
    const step = parameterOf(parameters, weightStep(prefix));
    const y = linear(input, quantize(lsqRows(spec.bits.weight), weight!, step), bias);
    return residual === undefined ? y : add(residual, y);
  });
}

/**
 * What quantization adds to the parameters of a linear layer, as it starts: input steps from `x`, offsets of 0, and LSQ's steps from the
 * weight. `parameters` holds the weight already; it is left alone.
 *
 * @throws {QuantStatsError} `QS_NON_FINITE`, `QS_PARAMETER_MISSING`, `QS_SHAPE_MISMATCH`.
 */
export function initQLinear(x: Tensor, parameters: NamedTensors, spec: QLinearSpec): Map<string, Tensor> {
  const { prefix } = spec;
  const added = initLsqInput(x, { prefix, quantizer: inputQuantizer(x.shape, spec) });
  if (spec.weights === 'lsq') {
    const weight = parameterOf(parameters, `${prefix}.weight`);
    added.set(weightStep(prefix), initialStep(lsqRows(spec.bits.weight), weight));
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
