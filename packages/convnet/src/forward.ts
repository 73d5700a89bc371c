// Configurations
export {
  checkConfig,
  type ConvnetConfig,
  type Preprocessing,
  type ResNetConfig,
  type VggConfig,
} from './config.ts';
export { convnetConfig, convnetConfigs, imagenetPreprocessing } from './configurations.ts';

// The forward pass, and the layers it asks for
export type {
  ConvnetLayers,
  ConvSpec,
  HeadSpec,
  ImagesSpec,
  LinearSpec,
  MaxPoolSpec,
  SubsampleSpec,
} from './layers.ts';
export { convnet, convnetFeatures } from './model.ts';

// Tensors by name
export {
  checkTensors,
  convnetBuffers,
  convnetParameters,
  convnetTensors,
  convnetUnits,
  type NamedShapes,
  separateBuffers,
  type TensorRole,
  type TensorSpec,
} from './parameters.ts';

// Model files
export { configFromState, type InferOptions } from './infer-config.ts';
export { classNamesFromMetadata, configFromMetadata, convnetMetadata } from './metadata.ts';

// Input
export { preprocess } from './preprocess.ts';

// Errors
export { ConvnetError, type ConvnetErrorCode } from './error.ts';
