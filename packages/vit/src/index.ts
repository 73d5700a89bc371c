// On tfjs tensors
export { floatLayers } from './float-layers.ts';
export { initVit } from './init.ts';

// Everything that needs no tfjs, which is also `@proj/vit/forward`
export {
  type AttentionSpec,
  checkConfig,
  checkParameters,
  classNamesFromMetadata,
  configFromMetadata,
  configFromState,
  type EmbedSpec,
  type HeadSpec,
  type InferOptions,
  imagenetPreprocessing,
  type MlpSpec,
  type NamedShapes,
  type ParameterSpec,
  type Preprocessing,
  preprocess,
  type VitConfig,
  VitError,
  type VitErrorCode,
  type VitLayers,
  vit,
  vitConfig,
  vitConfigs,
  vitMetadata,
  vitOutputs,
  vitParameters,
  vitUnits,
} from './forward.ts';
