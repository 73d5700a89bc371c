import type { StateDict } from '@proj/tensor-io';
import { toTensors } from '@proj/tensor-io/tfjs';
import type { VitConfig } from '../config.ts';
import { VitError } from '../error.ts';
import type { SwinConfig } from '../swin-config.ts';
import type { QuantizedModel } from './calibrate.ts';
import type { QuantizedDesign } from './design.ts';
import { quantizedBuffers, quantizedParameters } from './parameters.ts';

/**
 * What a reference checkpoint holds and this model needs not: StatsQ's constant (2 in every file), and what torchvision's Swin computes
 * from the size of its window.
 */
const LEFT_OUT = /\.(clip_val|relative_position_index)$/;

/**
 * A quantized model from a state dict of the OFQ reference code (`parsePth` of `@proj/tensor-io` reads one out of a `.pth`), whose
 * entries may all begin with `module.`, as those of a distributed run do.
 *
 * StatsQ's `clip_val` is left out, and so is `relative_position_index`; everything else must be there as `quantizedParameters` and
 * `quantizedBuffers` say. Where the flag of the images is missing it is 0, as before any image was seen.
 *
 * @param state Any dtype that `toFloat32` reads.
 * @returns new tensors in this package's order, the caller's to dispose
 * @throws {VitError} `VIT_PARAMETERS_MISMATCH` naming every missing, misshapen and unexpected entry (`problems`); `VIT_CONFIG_INVALID`;
 * `QuantStatsError` `QS_BIT_PLAN_INVALID`; `TensorIoError` for a dtype that is no number's.
 */
export function fromReference(
  config: VitConfig | SwinConfig,
  design: QuantizedDesign,
  state: StateDict,
): QuantizedModel {
  const parameters = quantizedParameters(config, design);
  const buffers = quantizedBuffers(config, design);
  const found = new Map([...withoutModule(state)].filter(([name]) => !LEFT_OUT.test(name)));
  for (const { name, shape } of buffers) {
    if (!found.has(name)) found.set(name, { dtype: 'F32', shape, bytes: new Uint8Array(4) });
  }
  const expected = new Map([...parameters, ...buffers].map(({ name, shape }) => [name, shape]));
  const problems: string[] = [];
  for (const [name, shape] of expected) {
    const entry = found.get(name);
    if (entry === undefined) problems.push(`${name} [${shape}] is missing`);
    else if (entry.shape.join() !== shape.join()) {
      problems.push(`${name} is [${entry.shape}], expected [${shape}]`);
    }
  }
  for (const [name, { shape }] of found) {
    if (!expected.has(name)) problems.push(`${name} [${shape}] is not of this model`);
  }
  if (problems.length > 0) {
    throw new VitError(
      'VIT_PARAMETERS_MISMATCH',
      `${problems.length} entries of the state dict do not fit ${config.name} with weights by ${design.weights} and ${design.attention} attention: ` +
        `${problems.join('; ')}. Pass the configuration and the design with which it was trained.`,
      problems,
    );
  }
  const tensors = toTensors(found);
  const named = (list: typeof parameters) => new Map(list.map(({ name }) => [name, tensors.get(name)!]));
  return { parameters: named(parameters), buffers: named(buffers) };
}

/** Without the prefix of a distributed run. */
function withoutModule(state: StateDict): StateDict {
  const prefix = 'module.';
  if (![...state.keys()].every((name) => name.startsWith(prefix))) return state;
  return new Map([...state].map(([name, data]) => [name.slice(prefix.length), data]));
}
