import { type ConvnetConfig, checkConfig } from './config.ts';
import { ConvnetError } from './error.ts';
import type { ConvSpec } from './layers.ts';
import { network } from './network.ts';

/**
 * What a tensor is for: a filter and its bias (`conv`), those of a projected shortcut (`downsample`), scale and shift of a batch
 * normalisation (`norm`), its running mean and variance (`statistic`), its count of batches (`counter`), or the classifier's (`head`).
 */
export type TensorRole = 'conv' | 'downsample' | 'norm' | 'statistic' | 'counter' | 'head';

/** A tensor's name in torchvision or akamaster's code, its shape in PyTorch's layout, and what it is for. */
export interface TensorSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly role: TensorRole;
  /** Place in `convnetUnits`, from 0; null for the head, which is in none. */
  readonly unit: number | null;
}

/** Anything with named shapes: a state dict, or live tensors. */
export type NamedShapes = ReadonlyMap<string, { readonly shape: readonly number[] }>;

/**
 * Every tensor of the model, parameters and buffers, with the names, shapes and order of `state_dict()` of torchvision's VGG and ResNet
 * and of akamaster's ResNets.
 *
 * @throws {ConvnetError} `CONVNET_CONFIG_INVALID`.
 */
export function convnetTensors(config: ConvnetConfig): TensorSpec[] {
  checkConfig(config);
  const { steps, head } = network(config);
  const tensors: TensorSpec[] = [];
  let unit = 0;
  for (const step of steps) {
    if (step.kind === 'maxPool') continue;
    const convs = step.kind === 'conv' ? [step.at] : step.convs;
    for (const conv of convs) tensors.push(...tensorsOf(conv, 'conv', unit));
    if (step.kind === 'block' && step.projection !== undefined) {
      tensors.push(...tensorsOf(step.projection, 'downsample', unit));
    }
    unit++;
  }
  for (const { linear, inFeatures, outFeatures } of head.linears) {
    const of = { role: 'head', unit: null } as const;
    tensors.push({ name: `${linear}.weight`, shape: [outFeatures, inFeatures], ...of });
    tensors.push({ name: `${linear}.bias`, shape: [outFeatures], ...of });
  }
  return tensors;
}

function tensorsOf(
  { conv, bias, norm, inChannels, outChannels, kernel }: ConvSpec,
  role: 'conv' | 'downsample',
  unit: number,
): TensorSpec[] {
  const vector = (name: string, role: TensorRole): TensorSpec => ({ name, shape: [outChannels], role, unit });
  return [
    { name: `${conv}.weight`, shape: [outChannels, inChannels, kernel, kernel], role, unit },
    ...(bias ? [vector(`${conv}.bias`, role)] : []),
    ...(norm === undefined
      ? []
      : [
          vector(`${norm}.weight`, 'norm'),
          vector(`${norm}.bias`, 'norm'),
          vector(`${norm}.running_mean`, 'statistic'),
          vector(`${norm}.running_var`, 'statistic'),
          { name: `${norm}.num_batches_tracked`, shape: [], role: 'counter', unit } as const,
        ]),
  ];
}

const isBuffer = ({ role }: TensorSpec): boolean => role === 'statistic' || role === 'counter';

/**
 * What is trained, in the order of `state_dict()`.
 *
 * @throws {ConvnetError} `CONVNET_CONFIG_INVALID`.
 */
export function convnetParameters(config: ConvnetConfig): TensorSpec[] {
  return convnetTensors(config).filter((tensor) => !isBuffer(tensor));
}

/**
 * What batch normalisation remembers, in the order of `state_dict()`: running mean, running variance and the count of batches.
 *
 * @throws {ConvnetError} `CONVNET_CONFIG_INVALID`.
 */
export function convnetBuffers(config: ConvnetConfig): TensorSpec[] {
  return convnetTensors(config).filter(isBuffer);
}

/**
 * The model's units from shallow to deep, for signatures that cover the first k of them (Cai et al. 2023): each convolution of a VGG;
 * the stem of a ResNet, then each of its blocks with its shortcut. A unit has the filters, their biases, and of its batch
 * normalisations scale, shift and running statistics, but not the counts of batches. The head is in none.
 *
 * `convnetTensors` says of each name what it is for, where normalisations are to be treated by themselves.
 *
 * @throws {ConvnetError} `CONVNET_CONFIG_INVALID`.
 */
export function convnetUnits(config: ConvnetConfig): string[][] {
  const units: string[][] = [];
  for (const { name, role, unit } of convnetTensors(config)) {
    if (unit === null || role === 'counter') continue;
    units[unit] ??= [];
    units[unit].push(name);
  }
  return units;
}

/** Whether a name is a batch normalisation's buffer. */
function isBufferName(name: string): boolean {
  return /\.(running_mean|running_var|num_batches_tracked)$/.test(name);
}

/**
 * Parts the entries of a state dict into what is trained and what batch normalisation remembers, in their order.
 */
export function separateBuffers<T>(state: ReadonlyMap<string, T>): {
  parameters: Map<string, T>;
  buffers: Map<string, T>;
} {
  const entries = [...state];
  return {
    parameters: new Map(entries.filter(([name]) => !isBufferName(name))),
    buffers: new Map(entries.filter(([name]) => isBufferName(name))),
  };
}

/**
 * Checks that exactly the model's parameters and running statistics are there, in any order; counts of batches
 * (`num_batches_tracked`), which older files lack, may be there or not.
 *
 * @throws {ConvnetError} `CONVNET_TENSORS_MISMATCH` naming every missing, misshapen and unexpected tensor at once (`problems` has one
 * entry for each); `CONVNET_CONFIG_INVALID`.
 */
export function checkTensors(config: ConvnetConfig, tensors: NamedShapes): void {
  const problems = tensorProblems(config, tensors);
  if (problems.length === 0) return;
  const wrapped = [...tensors.keys()].some((name) => name.startsWith('module.'));
  throw new ConvnetError(
    'CONVNET_TENSORS_MISMATCH',
    `${problems.length} of the tensors do not fit ${config.name}: ${problems.join('; ')}. Pass the weights of this architecture, ` +
      `or the configuration of these weights${wrapped ? '; strip the prefix "module." that DataParallel adds' : ''}.`,
    problems,
  );
}

/** What `checkTensors` complains about. */
export function tensorProblems(config: ConvnetConfig, tensors: NamedShapes): string[] {
  const expected = convnetTensors(config);
  const problems: string[] = [];
  for (const { name, shape, role } of expected) {
    const found = tensors.get(name)?.shape;
    if (found === undefined) {
      if (role !== 'counter') problems.push(`${name} [${shape}] is missing`);
    } else if (found.length !== shape.length || found.some((size, axis) => size !== shape[axis])) {
      problems.push(`${name} is [${found}], expected [${shape}]`);
    }
  }
  const known = new Set(expected.map(({ name }) => name));
  for (const [name, { shape }] of tensors) {
    if (!known.has(name)) problems.push(`${name} [${shape}] is not a tensor of this model`);
  }
  return problems;
}
