import type { Metadata, StateDict } from '@proj/tensor-io';
import { readStateDict } from '@proj/tensor-io/node';
import { classNamesFromMetadata, configFromState, type VitConfig } from '@proj/vit/forward';
import { usageError } from './exit.ts';

export interface ModelFile {
  readonly state: StateDict;
  readonly metadata: Metadata;
  readonly config: VitConfig;
  readonly classNames: readonly string[] | undefined;
}

/**
 * Reads a model and says which vision transformer it is: what its metadata says, else the one called `name`, else what its
 * shapes allow.
 */
export async function readModel(file: string, name: string | undefined): Promise<ModelFile> {
  const { state, metadata } = await readStateDict(file);
  const json = metadata.get('proj');
  const config = configFromState(state, metadata, json === undefined ? { name } : {});
  if (name !== undefined && name !== config.name) {
    throw usageError(`--model ${name}: ${file} says that it is a ${config.name}; leave --model out.`);
  }
  const classNames = json === undefined ? undefined : classNamesFromMetadata(json);
  return { state, metadata, config, classNames };
}
