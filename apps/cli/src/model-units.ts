import { convnetConfigs, configFromState as convnetFromState, convnetUnits } from '@proj/convnet/forward';
import type { StateDict } from '@proj/tensor-io';
import { readStateDict } from '@proj/tensor-io/node';
import { vitConfigs, vitUnits } from '@proj/vit/forward';
import { architectureOf, readModel } from './model-file.ts';

/** What a signature can cover of a model: its tensors' names in units of depth. */
export interface UnitModel {
  readonly name: string;
  readonly state: StateDict;
  readonly units: readonly (readonly string[])[];
  /** What the units are, for people. */
  readonly counted: string;
}

/** Models that have units, by their names. */
export const unitModels: readonly string[] = [...Object.keys(vitConfigs), ...Object.keys(convnetConfigs)];

/** Reads a float model, a vision transformer or a convolutional network: by its metadata, else called `name`, else by its shapes. */
export async function readUnitModel(file: string, name: string | undefined): Promise<UnitModel> {
  const { state, metadata } = await readStateDict(file);
  const json = metadata.get('proj');
  const convolutional =
    json === undefined
      ? name === undefined
        ? state.has('conv1.weight') || state.has('features.0.weight')
        : name in convnetConfigs
      : ['vgg', 'resnet'].includes(architectureOf(json) as string);
  if (!convolutional) {
    const { config, state } = await readModel(file, name);
    const counted = `the patch embedding and ${config.depth} blocks`;
    return { name: config.name, state, units: vitUnits(config), counted };
  }
  const config = convnetFromState(state, metadata, { name });
  const counted = config.architecture === 'vgg' ? 'its convolutions' : 'the stem and its blocks';
  return { name: config.name, state, units: convnetUnits(config), counted };
}
