// Configurations
export { checkConfig, type Preprocessing, type VitConfig } from './config.ts';
export { imagenetPreprocessing, vitConfig, vitConfigs } from './configurations.ts';
export type { SwinConfig } from './swin-config.ts';
export { swinConfig, swinConfigs } from './swin-configurations.ts';

// The forward passes, and the layers they ask for
export type { AttentionSpec, EmbedSpec, HeadSpec, MlpSpec, VitLayers } from './layers.ts';
export { vit, vitOutputs } from './model.ts';
export type {
  MergeSpec,
  PooledHeadSpec,
  StemSpec,
  SwinLayers,
  WindowAttentionSpec,
  WindowSpec,
} from './swin-layers.ts';
export { swin } from './swin.ts';

// Parameters by name
export type { NamedShapes, ParameterSpec } from './named-shapes.ts';
export { checkParameters, vitParameters, vitUnits } from './parameters.ts';
export { swinBuffers, swinParameters } from './swin-parameters.ts';

// Model files
export { configFromState, type InferOptions } from './infer-config.ts';
export { swinConfigFromState } from './infer-swin-config.ts';
export { configFromMetadata, vitMetadata } from './metadata.ts';
export { swinConfigFromMetadata, swinMetadata } from './swin-metadata.ts';
export { classNamesFromMetadata } from './class-names-from-metadata.ts';

// Input
export { preprocess } from './preprocess.ts';

// Errors
export { VitError, type VitErrorCode } from './error.ts';
