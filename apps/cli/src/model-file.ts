import { stat } from 'node:fs/promises';
import type { Metadata, StateDict } from '@proj/tensor-io';
import { readStateDict as readTensors } from '@proj/tensor-io/node';
import {
  classNamesFromMetadata,
  configFromMetadata,
  configFromState,
  type SwinConfig,
  swinConfigFromMetadata,
  swinConfigFromState,
  type VitConfig,
} from '@proj/vit/forward';
import type { QuantizedDesign } from '@proj/vit/quantized';
import { CliError, exitCode, usageError } from './exit.ts';

interface ModelData<Config> {
  readonly state: StateDict;
  readonly metadata: Metadata;
  readonly config: Config;
  readonly classNames: readonly string[] | undefined;
}

export type ModelFile = ModelData<VitConfig>;
export type FloatModelFile = ModelData<VitConfig | SwinConfig>;

/** What is said of a model only where it is quantized: how, and whether its file holds codes or the latent weights of a training. */
export interface Quantization {
  readonly design: QuantizedDesign;
  readonly packed: boolean;
}

export type AnyModelFile = FloatModelFile & { readonly quantization: Quantization | undefined };

/**
 * Reads a float model and says which vision transformer it is: what its metadata says, else the one called `name`, else what its
 * shapes allow.
 */
export async function readModel(file: string, name: string | undefined): Promise<ModelFile> {
  const { state, metadata } = await readStateDict(file);
  const json = metadata.get('proj');
  if (json !== undefined) refuseQuantized(file, json);
  const config = configFromState(state, metadata, json === undefined ? { name } : {});
  return { state, metadata, config: named(config, name, file), classNames: classNamesOf(json) };
}

/** The same of a ViT or a Swin Transformer. */
export async function readFloatModel(file: string, name: string | undefined): Promise<FloatModelFile> {
  const model = await readAnyModel(file, name);
  if (model.quantization === undefined) return model;
  throw quantizedFile(file);
}

/** The same, quantized or not. */
export async function readAnyModel(file: string, name: string | undefined): Promise<AnyModelFile> {
  const { state, metadata } = await readStateDict(file);
  const json = metadata.get('proj');
  const swin = json === undefined ? state.has('features.0.0.weight') : architectureOf(json) === 'swin';
  const quantization = json === undefined ? undefined : await quantizationOf(json);
  const infer = json === undefined ? { name } : {};
  const config =
    json !== undefined && quantization !== undefined
      ? swin
        ? swinConfigFromMetadata(json)
        : configFromMetadata(json)
      : swin
        ? swinConfigFromState(state, metadata, infer)
        : configFromState(state, metadata, infer);
  const classNames = classNamesOf(json);
  return { state, metadata, config: named(config, name, file), classNames, quantization };
}

/** How a model is quantized, by the JSON under `proj`; undefined for a float one. Loads tfjs only for a quantized one. */
export async function quantizationOf(json: string): Promise<Quantization | undefined> {
  if (!saysQuantized(json)) return undefined;
  const { designFromMetadata, isPacked } = await import('@proj/vit/quantized');
  const design = designFromMetadata(json);
  return design && { design, packed: isPacked(json) };
}

/** Bytes of a model's file. */
export const fileBytes = async (file: string): Promise<number> => (await stat(file)).size;

/** Tensors and metadata of a file; PyTorch's data-parallel training puts "module." before every name, which is no part of it. */
async function readStateDict(file: string): Promise<{ state: StateDict; metadata: Metadata }> {
  const { state, metadata } = await readTensors(file);
  const prefix = 'module.';
  if (![...state.keys()].every((name) => name.startsWith(prefix))) return { state, metadata };
  return {
    state: new Map([...state].map(([name, tensor]) => [name.slice(prefix.length), tensor])),
    metadata,
  };
}

function refuseQuantized(file: string, json: string): void {
  if (saysQuantized(json)) throw quantizedFile(file);
}

const quantizedFile = (file: string): CliError =>
  new CliError(
    'CLI_QUANTIZED',
    exitCode.data,
    `${file} is a quantized model, and this needs a float one; proj evaluate and proj inspect take quantized ones.`,
  );

const named = <Config extends { readonly name: string }>(
  config: Config,
  name: string | undefined,
  file: string,
): Config => {
  if (name === undefined || name === config.name) return config;
  throw usageError(`--model ${name}: ${file} says that it is a ${config.name}; leave --model out.`);
};

const classNamesOf = (json: string | undefined): readonly string[] | undefined =>
  json === undefined ? undefined : classNamesFromMetadata(json);

/** A look at JSON that is checked by whoever reads it in earnest. */
function peek(json: string): { readonly architecture?: unknown; readonly quantization?: unknown } {
  try {
    return JSON.parse(json) ?? {};
  } catch {
    return {};
  }
}

/** What the JSON under `proj` calls the architecture. */
export const architectureOf = (json: string): unknown => peek(json).architecture;
const saysQuantized = (json: string): boolean => peek(json).quantization !== undefined;
