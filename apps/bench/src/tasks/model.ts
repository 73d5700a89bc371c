import { type Metadata, type StateDict, stateSha256 } from '@proj/tensor-io';
import { readSafetensors } from '@proj/tensor-io/node';
import { configFromMetadata, type VitConfig, vitConfig, vitParameters } from '@proj/vit/forward';
import type { Finished } from '../experiment.ts';

/** The files that tasks leave under these names. */
export const MODEL_FILE = 'model.safetensors';
export const SIGNATURE_FILE = 'signature.rws.safetensors';

/** A configuration of `@proj/vit` by name, and what is different. */
export type ModelConfig = {
  readonly model: string;
  readonly embedDim?: number;
  readonly depth?: number;
  readonly heads?: number;
  readonly patchSize?: number;
  readonly mlpRatio?: number;
};

/** @throws {VitError} VIT_CONFIG_UNKNOWN. */
export function modelConfig({ model, ...changes }: ModelConfig, classes: number): VitConfig {
  const known = vitConfig(model);
  const { embedDim, depth, heads, patchSize, mlpRatio } = { ...known, ...changes };
  const different = Object.entries({ embedDim, depth, heads, patchSize, mlpRatio }).filter(
    ([name, value]) => known[name as keyof VitConfig] !== value,
  );
  const name = [model, ...different.map(([name, value]) => `${name}${value}`)].join('_');
  return { ...known, name, embedDim, depth, heads, patchSize, mlpRatio, classes };
}

export interface OpenedModel {
  readonly state: StateDict;
  readonly metadata: Metadata;
  readonly config: VitConfig;
  readonly sha256: string;
}

/** The model that a job left. */
export async function openModel(finished: Finished): Promise<OpenedModel> {
  const { state, metadata } = await readSafetensors(finished.file(MODEL_FILE));
  return {
    state,
    metadata,
    config: configFromMetadata(metadata.get('proj')!),
    sha256: await stateSha256(state),
  };
}

/** Multiplications and additions of one image's way forward, twice each. */
export function forwardFlop({
  imageSize,
  patchSize,
  channels,
  embedDim,
  depth,
  mlpRatio,
}: VitConfig): number {
  const tokens = (imageSize / patchSize) ** 2 + 1;
  const products = 4 * embedDim ** 2 + 2 * mlpRatio * embedDim ** 2 + 2 * tokens * embedDim;
  return 2 * tokens * (depth * products + channels * patchSize ** 2 * embedDim);
}

export const parameterBytes = (config: VitConfig): number =>
  4 * vitParameters(config).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b), 0);
