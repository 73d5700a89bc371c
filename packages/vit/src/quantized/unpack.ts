import { type StateDict, type TensorData, tensorData, toFloat32 } from '@proj/tensor-io';
import type { VitConfig } from '../config.ts';
import { VitError } from '../error.ts';
import type { ParameterSpec } from '../named-shapes.ts';
import type { SwinConfig } from '../swin-config.ts';
import type { QuantizedDesign } from './design.ts';
import { levelsOfCodes, rowBytes, unpackRows } from './packed-rows.ts';
import { keptWhole, type PackedWeight, packedWeights } from './packed-weights.ts';
import { quantizedBuffers, quantizedParameters } from './parameters.ts';

/** A packed weight, element by element. */
export interface UnpackedWeight extends PackedWeight {
  /** 0 .. 2^bits - 1, of its shape; `levelsOfCodes` says what each stands for. */
  readonly codes: Uint8Array;
  /** [rows]. */
  readonly scales: Float32Array;
}

/**
 * The weights of a packed model as codes and scales, for those who compute with integers. Needs no tfjs backend.
 *
 * @throws as {@link unpackModel}.
 */
export function unpackWeights(
  config: VitConfig | SwinConfig,
  design: QuantizedDesign,
  packed: StateDict,
): UnpackedWeight[] {
  const weights = packedWeights(config, design);
  requirePacked(config, design, packed, weights);
  const problems: string[] = [];
  const unpacked = weights.map((weight) => {
    const { layer, shape, quantizer } = weight;
    const scales = toFloat32(packed.get(`${layer}.weight.scale`)!);
    if (scales.some((scale) => !(scale >= 0 && scale < Number.POSITIVE_INFINITY))) {
      problems.push(`${layer}.weight.scale has entries that are negative or not finite`);
    }
    return { ...weight, codes: codesOf(layer, packed, columnsOf(shape), quantizer.bits, problems), scales };
  });
  if (problems.length > 0) throw notPacked(problems);
  return unpacked;
}

/**
 * What `packModel` packed, as `frozenLayers` takes it once `toTensors` of `@proj/tensor-io/tfjs` has put it on a backend: weights are
 * the quantized values, bit for bit, QKR's product is `blocks.0.attn.qk.weight`, and there are no steps of weights any more. Do not
 * quantize them again: StatsQ would find smaller scales.
 *
 * @throws {VitError} `VIT_NOT_PACKED` naming everything that is missing, misshapen, too much or damaged; `VIT_CONFIG_INVALID`;
 * `QuantStatsError` `QS_BIT_PLAN_INVALID`.
 */
export function unpackModel(
  config: VitConfig | SwinConfig,
  design: QuantizedDesign,
  packed: StateDict,
): { parameters: Map<string, TensorData>; buffers: Map<string, TensorData> } {
  const weights = unpackWeights(config, design, packed);
  const values = new Map(weights.map((weight) => [`${weight.layer}.weight`, dequantized(weight)]));
  const whole = (specs: readonly ParameterSpec[]): [string, TensorData][] => {
    const names = specs.map(({ name }) => name);
    return keptWhole(names, weights, design).map((name) => [name, packed.get(name)!]);
  };
  return {
    parameters: new Map([...values, ...whole(quantizedParameters(config, design))]),
    buffers: new Map(whole(quantizedBuffers(config, design))),
  };
}

function dequantized({ shape, quantizer, codes, scales }: UnpackedWeight): TensorData {
  const levels = levelsOfCodes(quantizer);
  const columns = columnsOf(shape);
  const values = new Float32Array(codes.length);
  for (let row = 0; row < scales.length; row++) {
    for (let i = row * columns; i < (row + 1) * columns; i++) values[i] = levels[codes[i]!]! * scales[row]!;
  }
  return tensorData('F32', shape, values);
}

function codesOf(
  layer: string,
  packed: StateDict,
  columns: number,
  bits: number,
  problems: string[],
): Uint8Array {
  try {
    return unpackRows(packed.get(`${layer}.weight.codes`)!, columns, bits);
  } catch (error) {
    problems.push(`${layer}.weight.codes: ${(error as Error).message}`);
    return new Uint8Array();
  }
}

/** Refuses a state dict that does not have exactly the tensors of a packed model, of their types and shapes, all floats finite. */
function requirePacked(
  config: VitConfig | SwinConfig,
  design: QuantizedDesign,
  packed: StateDict,
  weights: readonly PackedWeight[],
): void {
  const specs = [...quantizedParameters(config, design), ...quantizedBuffers(config, design)];
  const shapes = new Map(specs.map(({ name, shape }) => [name, shape]));
  const expected = new Map<string, Pick<TensorData, 'dtype' | 'shape'>>();
  for (const { layer, shape, quantizer } of weights) {
    const codes = [shape[0], rowBytes(columnsOf(shape), quantizer.bits)];
    expected.set(`${layer}.weight.codes`, { dtype: 'U8', shape: codes });
    expected.set(`${layer}.weight.scale`, { dtype: 'F32', shape: [shape[0]] });
  }
  for (const name of keptWhole([...shapes.keys()], weights, design)) {
    expected.set(name, { dtype: 'F32', shape: shapes.get(name)! });
  }
  const problems: string[] = [];
  for (const [name, { dtype, shape }] of expected) {
    const found = packed.get(name);
    if (found === undefined) problems.push(`${name} ${dtype} [${shape}] is missing`);
    else if (found.dtype !== dtype || found.shape.join() !== shape.join()) {
      problems.push(`${name} is ${found.dtype} [${found.shape}], expected ${dtype} [${shape}]`);
    } else if (dtype === 'F32' && !toFloat32(found).every(Number.isFinite)) {
      problems.push(`${name} has entries that are not finite`);
    }
  }
  for (const name of packed.keys()) {
    if (!expected.has(name)) problems.push(`${name} is no tensor of this model`);
  }
  if (problems.length > 0) throw notPacked(problems);
}

const columnsOf = (shape: readonly number[]): number => shape.slice(1).reduce((size, axis) => size * axis, 1);

function notPacked(problems: readonly string[]): VitError {
  return new VitError(
    'VIT_NOT_PACKED',
    `this is no packed model of that configuration and design, or it is damaged (${problems.length} problems): ${problems.slice(0, 8).join('; ')}${problems.length > 8 ? '; ...' : ''}. Take both from the file's own metadata, and make the file with packModel().`,
    problems,
  );
}
