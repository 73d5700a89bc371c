import { mergeQueryKey, type NamedTensors } from '@proj/ops';
import { type LsqQuantizer, quantize, requireFinite, type StatsqQuantizer } from '@proj/quant-stats';
import { type TensorData, tensorData } from '@proj/tensor-io';
import { clone, type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { VitConfig } from '../config.ts';
import { namedParameters } from '../named-parameters.ts';
import type { SwinConfig } from '../swin-config.ts';
import type { QuantizedDesign } from './design.ts';
import { type FrozenRows, freezeRows } from './freeze-rows.ts';
import { packRows } from './packed-rows.ts';
import { keptWhole, type PackedWeight, packedWeights } from './packed-weights.ts';
import { quantizedBuffers, quantizedParameters } from './parameters.ts';

/** A weight as a model's training knows it and as its forward pass uses it, [rows, ...rest]; the caller's to dispose. */
export interface WeightPair {
  readonly latent: Tensor;
  readonly quantized: Tensor;
}

/**
 * A trained model as a packed file holds it (FORMAT.md): codes of every weight with the scales of its rows, all else in float32. With
 * QKR the product of queries and keys takes their place. Codes and scales are exactly those of the forward pass on this backend.
 *
 * Write it with `packedMetadata` under `proj`; the name should end in `.ofq.safetensors`. Parameters and buffers are left alone.
 *
 * @throws {VitError} `VIT_PARAMETER_MISSING`, `VIT_NOT_PACKED`; `QuantStatsError` `QS_NON_FINITE`, `QS_BIT_PLAN_INVALID`; what the
 * quantizers throw for misshapen parameters.
 */
export async function packModel(
  config: VitConfig | SwinConfig,
  design: QuantizedDesign,
  parameters: NamedTensors,
  buffers: NamedTensors,
): Promise<Map<string, TensorData>> {
  const weights = packedWeights(config, design);
  const state = new Map<string, TensorData>();
  for (const weight of weights) {
    const { codes, scales } = await frozen(weight, parameters);
    const [rows] = weight.shape;
    state.set(`${weight.layer}.weight.codes`, packRows(codes, rows, weight.quantizer.bits));
    state.set(`${weight.layer}.weight.scale`, tensorData('F32', [rows], scales));
  }
  for (const [specs, tensors] of [
    [quantizedParameters(config, design), parameters],
    [quantizedBuffers(config, design), buffers],
  ] as const) {
    const names = specs.map(({ name }) => name);
    for (const name of keptWhole(names, weights, design)) {
      const tensor = namedParameters(tensors).get(name);
      requireFinite(name, tensor);
      state.set(name, tensorData('F32', tensor.shape, await tensor.data()));
    }
  }
  return state;
}

/** Latent and quantized values of a weight. */
export function weightPair(
  { layer, quantizer, step, heads }: PackedWeight,
  parameters: NamedTensors,
): WeightPair {
  const { get } = namedParameters(parameters);
  return tidy(() => {
    const factor = (name: 'q' | 'k'): Tensor => get(`${layer.slice(0, -'qk'.length)}${name}.weight`);
    const latent =
      heads === undefined ? clone(get(`${layer}.weight`)) : mergeQueryKey(factor('q'), factor('k'), heads);
    requireFinite(`${layer}.weight`, latent);
    const quantized =
      step === undefined
        ? quantize(quantizer as StatsqQuantizer, latent)
        : quantize(quantizer as LsqQuantizer, latent, get(step));
    return { latent, quantized };
  });
}

async function frozen(weight: PackedWeight, parameters: NamedTensors): Promise<FrozenRows> {
  const { latent, quantized } = weightPair(weight, parameters);
  try {
    const { layer, step, shape, quantizer } = weight;
    const scales =
      step === undefined
        ? twiceMeanMagnitude((await latent.data()) as Float32Array, shape[0])
        : effectiveSteps((await namedParameters(parameters).get(step).data()) as Float32Array);
    return freezeRows(`${layer}.weight`, quantizer, (await quantized.data()) as Float32Array, scales);
  } finally {
    latent.dispose();
    quantized.dispose();
  }
}

/** LSQ's steps as they count: the least is 1e-5. */
const effectiveSteps = (steps: Float32Array): Float32Array => steps.map((step) => Math.max(step, 1e-5));

/** StatsQ's scales of rows, to a few bits. */
function twiceMeanMagnitude(weights: Float32Array, rows: number): Float64Array {
  const columns = weights.length / rows;
  return Float64Array.from({ length: rows }, (_, row) => {
    let total = 0;
    for (let i = row * columns; i < (row + 1) * columns; i++) total += Math.abs(weights[i]!);
    return (2 * total) / columns;
  });
}
