import type { InferOptions } from './infer-config.ts';
import type { NamedShapes } from './named-shapes.ts';
import { checkParameters } from './parameters.ts';
import { notInferred, shapeOf } from './state-shapes.ts';
import type { SwinConfig } from './swin-config.ts';
import { swinConfig, swinConfigs } from './swin-configurations.ts';
import { swinConfigFromMetadata } from './swin-metadata.ts';

/**
 * The configuration of a Swin Transformer with torchvision's names: the one that the caller names, else the one in the file's
 * metadata under `proj`, else the one of `swinConfigs` with the same shapes, whatever its number of classes. The size of the
 * images does not show in the shapes, so that no other can be inferred from them.
 *
 * @throws {VitError} `VIT_CONFIG_UNKNOWN` for a name that there is not; `VIT_CONFIG_NOT_INFERRED` when nothing settles
 * it; `VIT_PARAMETERS_MISMATCH` when the parameters are not exactly the configuration's, buffers aside; `VIT_METADATA_INVALID`,
 * `VIT_CONFIG_INVALID`.
 */
export function swinConfigFromState(
  state: NamedShapes,
  metadata: ReadonlyMap<string, string> = new Map(),
  { name }: InferOptions = {},
): SwinConfig {
  const json = metadata.get('proj');
  const config =
    name !== undefined
      ? { ...swinConfig(name), classes: shapeOf(state, 'head.weight', 2)[0]! }
      : json !== undefined
        ? swinConfigFromMetadata(json)
        : configFromShapes(state);
  checkParameters(config, state);
  return config;
}

function configFromShapes(state: NamedShapes): SwinConfig {
  const [embedDim, channels, patchSize] = shapeOf(state, 'features.0.0.weight', 4);
  const [positions] = shapeOf(state, 'features.1.0.attn.relative_position_bias_table', 2);
  const [hidden] = shapeOf(state, 'features.1.0.mlp.0.weight', 2);
  const [classes] = shapeOf(state, 'head.weight', 2);
  const depths: number[] = [];
  const heads: number[] = [];
  const holds = (stage: number, block: number): boolean =>
    state.has(`features.${2 * stage + 1}.${block}.norm1.weight`);
  for (let stage = 0; holds(stage, 0); stage++) {
    let depth = 1;
    while (holds(stage, depth)) depth++;
    depths.push(depth);
    heads.push(shapeOf(state, `features.${2 * stage + 1}.0.attn.relative_position_bias_table`, 2)[1]!);
  }
  const shapes = {
    patchSize,
    channels,
    embedDim,
    depths,
    heads,
    windowSize: (Math.sqrt(positions!) + 1) / 2,
    mlpRatio: hidden! / embedDim!,
  };
  const known = Object.values<SwinConfig>(swinConfigs).find((config) =>
    Object.entries(shapes).every(([key, value]) => String(config[key as keyof SwinConfig]) === String(value)),
  );
  if (known !== undefined) return { ...known, classes: classes! };
  throw notInferred(
    `no configuration here has these shapes, which do not tell the size of its images (${Object.entries(
      shapes,
    )
      .map(([key, value]) => `${key} ${value}`)
      .join(', ')})`,
  );
}
