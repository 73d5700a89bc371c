import type { Metadata, StateDict } from '@proj/tensor-io';
import { readStateDict } from '@proj/tensor-io/node';
import { classNamesFromMetadata, configFromState, type VitConfig } from '@proj/vit/forward';

export interface ModelFile {
  readonly state: StateDict;
  readonly metadata: Metadata;
  readonly config: VitConfig;
  readonly classNames: readonly string[] | undefined;
}

/** Reads a model and says which vision transformer it is, from its metadata or its shapes. */
export async function readModel(file: string): Promise<ModelFile> {
  const { state, metadata } = await readStateDict(file);
  const config = configFromState(state, metadata);
  const json = metadata.get('proj');
  return {
    state,
    metadata,
    config,
    classNames: json === undefined ? undefined : classNamesFromMetadata(json),
  };
}
