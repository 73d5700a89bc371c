import type { ConvnetConfig } from './config.ts';
import { convnetConfig, convnetConfigs } from './configurations.ts';
import { ConvnetError } from './error.ts';
import { configFromMetadata } from './metadata.ts';
import { network } from './network.ts';
import { checkTensors, type NamedShapes, tensorProblems } from './parameters.ts';

export interface InferOptions {
  /** The name of one of `convnetConfigs`, which then counts, with the state's number of classes, whatever else the file says. */
  readonly name?: string | undefined;
}

/**
 * The configuration of a model with torchvision's or akamaster's names: the one that the caller names, else the one in the file's
 * metadata under `proj`, else the one of `convnetConfigs` that has exactly these tensors, whatever its number of classes.
 *
 * Shapes do not tell the size of the images nor their mean and deviation: those are the configuration's.
 *
 * @throws {ConvnetError} `CONVNET_CONFIG_UNKNOWN` for a name that there is not; `CONVNET_CONFIG_NOT_INFERRED` when nothing settles
 * it; `CONVNET_TENSORS_MISMATCH` when the tensors are not exactly the configuration's; `CONVNET_METADATA_INVALID`,
 * `CONVNET_CONFIG_INVALID`.
 */
export function configFromState(
  state: NamedShapes,
  metadata: ReadonlyMap<string, string> = new Map(),
  { name }: InferOptions = {},
): ConvnetConfig {
  const json = metadata.get('proj');
  const config =
    name !== undefined
      ? withClassesOf(convnetConfig(name), state)
      : json !== undefined
        ? configFromMetadata(json)
        : configFromShapes(state);
  checkTensors(config, state);
  return config;
}

function configFromShapes(state: NamedShapes): ConvnetConfig {
  const known = Object.values<ConvnetConfig>(convnetConfigs)
    .map((config) => withClassesOf(config, state))
    .find((config) => tensorProblems(config, state).length === 0);
  if (known !== undefined) return known;
  throw new ConvnetError(
    'CONVNET_CONFIG_NOT_INFERRED',
    `cannot tell which convolutional network these ${state.size} tensors are: they are those of none of ${Object.keys(convnetConfigs).join(', ')}. ` +
      'Name the nearest one to learn how they differ, or store the configuration in the file under "proj" with convnetMetadata().',
  );
}

/** The configuration with as many classes as the state's last layer has, if it has that layer. */
function withClassesOf(config: ConvnetConfig, state: NamedShapes): ConvnetConfig {
  const classes = state.get(`${network(config).head.linears.at(-1)!.linear}.weight`)?.shape[0];
  return { ...config, classes: classes ?? config.classes };
}
