import { gelu, type NamedTensors, quantizedMlp } from '@proj/ops';
import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { LayerBits } from './bits.ts';
import { initQLinear, type QLinearSpec, qLinear, quantizedAffine, type WeightMethod } from './q-linear.ts';

/** The two quantized layers of a transformer's MLP, with the prefix that stands before `.fc1` and `.fc2`. */
export interface QMlpSpec {
  readonly prefix: string;
  readonly fc1: LayerBits;
  readonly fc2: LayerBits;
  readonly weights: WeightMethod;
}

/**
 * fc2(GELU(fc1 x)) (`QMLP`; GELU by erf), plus `residual` where one is given: `x` [B, N, C] or [B, H, W, C] -> the same, float32. The
 * input of fc1 is signed, that of fc2 is not: what GELU leaves below 0 is quantized to 0. With StatsQ and kernels, one step of the tape.
 *
 * @throws {QuantStatsError} and {OpsError} as `qLinear`.
 */
export function qMlp(x: Tensor, parameters: NamedTensors, spec: QMlpSpec, residual?: Tensor): Tensor {
  const [fc1, fc2] = layersOf(spec);
  if (spec.weights !== 'statsq') {
    return tidy(() => qLinear(gelu(qLinear(x, parameters, fc1)), parameters, fc2, residual));
  }
  const first = quantizedAffine(x.shape, parameters, fc1);
  const hidden = [...x.shape.slice(0, -1), first.weight.shape[0]!];
  return quantizedMlp(x, first, quantizedAffine(hidden, parameters, fc2), residual);
}

/**
 * What quantization adds to the parameters of both layers, as it starts; fc2's steps come from what the quantized fc1 makes of `x`.
 *
 * @throws {QuantStatsError} as `initQLinear`.
 */
export function initQMlp(x: Tensor, parameters: NamedTensors, spec: QMlpSpec): Map<string, Tensor> {
  const [fc1, fc2] = layersOf(spec);
  const first = initQLinear(x, parameters, fc1);
  const hidden = tidy(() => gelu(qLinear(x, new Map([...parameters, ...first]), fc1)));
  const second = initQLinear(hidden, parameters, fc2);
  hidden.dispose();
  return new Map([...first, ...second]);
}

const layersOf = ({ prefix, fc1, fc2, weights }: QMlpSpec): [QLinearSpec, QLinearSpec] => [
  { prefix: `${prefix}.fc1`, bits: fc1, signed: true, weights },
  { prefix: `${prefix}.fc2`, bits: fc2, signed: false, weights },
];
