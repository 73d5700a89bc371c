import type { VitConfig } from './config.ts';
import { imagenetPreprocessing, vitConfig, vitConfigs } from './configurations.ts';
import { configFromMetadata } from './metadata.ts';
import type { NamedShapes } from './named-shapes.ts';
import { checkParameters } from './parameters.ts';
import { notInferred, shapeOf } from './state-shapes.ts';

export interface InferOptions {
  /** The name of one of `vitConfigs` (or `swinConfigs`), which then counts, with the state's number of classes, whatever else the file says. */
  readonly name?: string | undefined;
}

/**
 * The configuration of a model with timm's names: the one that the caller names, else the one in the file's metadata
 * under `proj`, else inferred from the shapes.
 *
 * What shapes cannot say (heads, preprocessing) comes from the first of `vitConfigs` with the same shapes, whatever its
 * number of classes; else, for RGB models 192 to 1024 wide (Tiny to Large), heads of 64 (Dosovitskiy et al. 2021, table
 * 1) and ImageNet's mean and deviation. So a file without metadata that could be a DeiT or a timm ViT, whose shapes are
 * the same, counts as the DeiT; for the ViT, with its other mean and deviation, give the name.
 *
 * @throws {VitError} `VIT_CONFIG_UNKNOWN` for a name that there is not; `VIT_CONFIG_NOT_INFERRED` when nothing settles
 * it; `VIT_PARAMETERS_MISMATCH` when the parameters are not exactly the configuration's; `VIT_METADATA_INVALID`,
 * `VIT_CONFIG_INVALID`.
 */
export function configFromState(
  state: NamedShapes,
  metadata: ReadonlyMap<string, string> = new Map(),
  { name }: InferOptions = {},
): VitConfig {
  const json = metadata.get('proj');
  const config =
    name !== undefined
      ? { ...vitConfig(name), classes: shapeOf(state, 'head.weight', 2)[0]! }
      : json !== undefined
        ? configFromMetadata(json)
        : configFromShapes(state);
  checkParameters(config, state);
  return config;
}

function configFromShapes(state: NamedShapes): VitConfig {
  const [embedDim, channels, patchSize] = shapeOf(state, 'patch_embed.proj.weight', 4);
  const [, tokens] = shapeOf(state, 'pos_embed', 3);
  const [classes] = shapeOf(state, 'head.weight', 2);
  const [hidden] = shapeOf(state, 'blocks.0.mlp.fc1.weight', 2);
  const distilled = state.has('dist_token');
  let depth = 1;
  while (state.has(`blocks.${depth}.norm1.weight`)) depth++;
  const side = Math.sqrt(tokens! - (distilled ? 2 : 1));
  const shapes = {
    imageSize: side * patchSize!,
    patchSize: patchSize!,
    channels: channels!,
    embedDim: embedDim!,
    depth,
    mlpRatio: hidden! / embedDim!,
    distilled,
  };
  const known = Object.values<VitConfig>(vitConfigs).find((config) =>
    Object.entries(shapes).every(([key, value]) => config[key as keyof VitConfig] === value),
  );
  if (known !== undefined) return { ...known, classes: classes! };
  const headsOf64 = embedDim! >= 192 && embedDim! <= 1024 && embedDim! % 64 === 0;
  if (channels !== 3 || !headsOf64 || !Number.isInteger(side)) {
    throw notInferred(
      `shapes alone do not settle it (${Object.entries(shapes)
        .map(([key, value]) => `${key} ${value}`)
        .join(', ')})`,
    );
  }
  return {
    ...shapes,
    name: `vit_${embedDim}_patch${patchSize}_${shapes.imageSize}`,
    heads: embedDim! / 64,
    classes: classes!,
    layerNormEps: 1e-6,
    preprocessing: imagenetPreprocessing,
  };
}
