// Configurations
export { checkConfig, type Preprocessing, type VitConfig } from './config.ts';
export { imagenetPreprocessing, vitConfig, vitConfigs } from './configurations.ts';

// The forward pass, and the layers it asks for
export type { AttentionSpec, EmbedSpec, HeadSpec, MlpSpec, VitLayers } from './layers.ts';
export { vit, vitOutputs } from './model.ts';

// Parameters by name
export {
  checkParameters,
  type NamedShapes,
  type ParameterSpec,
  vitParameters,
  vitUnits,
} from './parameters.ts';

// Model files
export { configFromState, type InferOptions } from './infer-config.ts';
export { classNamesFromMetadata, configFromMetadata, vitMetadata } from './metadata.ts';

// Input
export { preprocess } from './preprocess.ts';

// Errors
export { VitError, type VitErrorCode } from './error.ts';
