import {
  type Metadata,
  parseSafetensors,
  type StateDict,
  serializeSafetensors,
  type TensorData,
  toFloat32,
} from '@proj/tensor-io';
import { type Config, configFingerprint } from './config.ts';
import { TrainerError } from './error.ts';

/** Where a run stands: the next batch is `batch(epoch, step)`. */
export interface Position {
  readonly epoch: number;
  /** Within the epoch. */
  readonly step: number;
  /** Steps done since the beginning. */
  readonly globalStep: number;
}

/** Everything a run needs to go on as if it had never stopped. */
export interface Checkpoint {
  readonly parameters: StateDict;
  readonly buffers: StateDict;
  readonly optimizer: { readonly step: number; readonly moments: ReadonlyMap<string, StateDict> };
  readonly position: Position;
  readonly config: Config;
  /** What a {@link Companion} saved. */
  readonly companion?: StateDict;
}

/** Who goes on with a run and remembers something from step to step: what watches it, say. */
export interface Companion {
  /** What it remembers, in memory that it does not write again. */
  save(): StateDict;
  /** Takes over what another saved; nothing where the checkpoint's run had no companion. */
  restore(state: StateDict): void;
}

const METADATA_KEY = 'proj.checkpoint';
const MOMENT_PREFIX = 'optimizer.';
const COMPANION_PREFIX = 'companion.';

interface Header extends Position {
  readonly version: 1;
  readonly optimizerStep: number;
  readonly moments: readonly string[];
  readonly buffers: readonly string[];
  /** Left out where there is none. */
  readonly companion?: readonly string[];
  readonly config: Config;
  readonly fingerprint: string;
}

/**
 * The checkpoint as one safetensors file. Parameters and buffers keep their plain names, so that other tools open
 * the file as a model; moments are called `optimizer.exp_avg.<parameter>`, what a companion saved `companion.<name>`; the rest
 * is JSON under the metadata key `proj.checkpoint`.
 *
 * @throws {TrainerError} TRAINER_NOT_FINITE for a NaN or an infinity in any tensor; TRAINER_NAME_RESERVED for a
 * parameter or buffer called `optimizer.*` or `companion.*`, or a buffer that shares its name with a parameter.
 */
export async function serializeCheckpoint(checkpoint: Checkpoint): Promise<Uint8Array> {
  const { state, metadata } = await encodeCheckpoint(checkpoint);
  return serializeSafetensors(state, metadata);
}

/**
 * Reads what {@link serializeCheckpoint} wrote.
 *
 * @param where names the file in errors.
 * @throws {TrainerError} TRAINER_CHECKPOINT_INVALID when the file is sound safetensors but no checkpoint of ours.
 * @throws {TensorIoError} when the file is damaged.
 */
export async function parseCheckpoint(bytes: Uint8Array, where: string): Promise<Checkpoint> {
  return decodeCheckpoint(parseSafetensors(bytes, where), where);
}

/** What a safetensors file holds. */
interface TensorFile {
  readonly state: StateDict;
  readonly metadata: Metadata;
}

/** {@link serializeCheckpoint} without joining the bytes. */
export async function encodeCheckpoint(checkpoint: Checkpoint): Promise<TensorFile> {
  const { parameters, buffers, optimizer, position, config, companion } = checkpoint;
  const tensors = new Map<string, TensorData>();
  for (const [name, tensor] of [...parameters, ...buffers]) {
    const reserved = [MOMENT_PREFIX, COMPANION_PREFIX].find((prefix) => name.startsWith(prefix));
    if (reserved !== undefined || tensors.has(name)) {
      throw new TrainerError(
        'TRAINER_NAME_RESERVED',
        `a checkpoint cannot hold "${name}": ${tensors.has(name) ? 'a parameter and a buffer share it' : `names that begin with "${reserved}" are for what a run remembers`}; rename it.`,
      );
    }
    tensors.set(name, tensor);
  }
  for (const [moment, state] of optimizer.moments) {
    for (const [name, tensor] of state) tensors.set(`${MOMENT_PREFIX}${moment}.${name}`, tensor);
  }
  for (const [name, tensor] of companion ?? []) tensors.set(`${COMPANION_PREFIX}${name}`, tensor);
  requireFinite(tensors);
  const header: Header = {
    version: 1,
    ...position,
    optimizerStep: optimizer.step,
    moments: [...optimizer.moments.keys()],
    buffers: [...buffers.keys()],
    ...(companion && { companion: [...companion.keys()] }),
    config,
    fingerprint: await configFingerprint(config),
  };
  return { state: tensors, metadata: new Map([[METADATA_KEY, JSON.stringify(header)]]) };
}

/** {@link parseCheckpoint} of a file that was taken apart already. */
export async function decodeCheckpoint({ state, metadata }: TensorFile, where: string): Promise<Checkpoint> {
  const header = parseHeader(metadata.get(METADATA_KEY), where);
  if ((await configFingerprint(header.config)) !== header.fingerprint) {
    throw invalid(where, 'its configuration does not match its fingerprint');
  }
  const rest = new Map(state);
  const take = (name: string): TensorData => {
    const tensor = rest.get(name);
    if (tensor === undefined) throw invalid(where, `tensor "${name}" is missing`);
    rest.delete(name);
    return tensor;
  };
  const buffers = new Map(header.buffers.map((name) => [name, take(name)]));
  const companion =
    header.companion && new Map(header.companion.map((name) => [name, take(`${COMPANION_PREFIX}${name}`)]));
  const names = [...rest.keys()].filter((name) => !name.startsWith(MOMENT_PREFIX));
  const parameters = new Map(names.map((name) => [name, take(name)]));
  const moments = new Map(
    header.moments.map((moment) => [
      moment,
      new Map(names.map((name) => [name, take(`${MOMENT_PREFIX}${moment}.${name}`)])),
    ]),
  );
  if (rest.size > 0) throw invalid(where, `tensor "${[...rest.keys()][0]}" belongs to no parameter`);
  const { epoch, step, globalStep, optimizerStep, config } = header;
  return {
    parameters,
    buffers,
    optimizer: { step: optimizerStep, moments },
    position: { epoch, step, globalStep },
    config,
    ...(companion && { companion }),
  };
}

/** @throws {TrainerError} TRAINER_NOT_FINITE, naming the tensor. */
export function requireFinite(state: StateDict): void {
  for (const [name, tensor] of state) {
    const at = toFloat32(tensor).findIndex((value) => !Number.isFinite(value));
    if (at >= 0) {
      throw new TrainerError(
        'TRAINER_NOT_FINITE',
        `"${name}" holds a NaN or an infinity at element ${at}; the run has diverged: go back to the last checkpoint and lower the learning rate.`,
      );
    }
  }
}

function parseHeader(text: string | undefined, where: string): Header {
  if (text === undefined) throw invalid(where, `its metadata has no "${METADATA_KEY}"`);
  const header = parseJson(text, where);
  const count = (key: string): number => {
    const value = header[key];
    if (!Number.isSafeInteger(value) || (value as number) < 0) {
      throw invalid(where, `"${key}" is ${JSON.stringify(value)}, not a count`);
    }
    return value as number;
  };
  const names = (key: string): string[] => {
    const value = header[key];
    if (!Array.isArray(value) || value.some((name) => typeof name !== 'string')) {
      throw invalid(where, `"${key}" is no list of names`);
    }
    return value as string[];
  };
  if (header['version'] !== 1) {
    throw invalid(where, `it has version ${JSON.stringify(header['version'])}, this package reads version 1`);
  }
  const config = header['config'];
  if (
    !isRecord(config) ||
    Object.values(config).some((value) => typeof value === 'object' && value !== null)
  ) {
    throw invalid(where, '"config" is no flat object');
  }
  return {
    version: 1,
    epoch: count('epoch'),
    step: count('step'),
    globalStep: count('globalStep'),
    optimizerStep: count('optimizerStep'),
    moments: names('moments'),
    buffers: names('buffers'),
    ...('companion' in header && { companion: names('companion') }),
    config: config as Config,
    fingerprint: String(header['fingerprint']),
  };
}

function parseJson(text: string, where: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid(where, `"${METADATA_KEY}" is not JSON`);
  }
  if (!isRecord(value)) throw invalid(where, `"${METADATA_KEY}" is no object`);
  return value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(where: string, what: string): TrainerError {
  return new TrainerError(
    'TRAINER_CHECKPOINT_INVALID',
    `${where} is not a checkpoint that can be resumed: ${what}. Pass a file that this package wrote.`,
  );
}
