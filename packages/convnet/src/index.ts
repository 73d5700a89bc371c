// On tfjs tensors
export { floatLayers } from './float-layers.ts';
export { type TrainingOptions, type TrainingOutputs, trainingForward } from './training.ts';
export { type RecalibrateOptions, recalibrate } from './recalibrate.ts';
export { initConvnet } from './init.ts';

// Everything that needs no tfjs, which is also `@proj/convnet/forward`
export {
  checkConfig,
  checkTensors,
  classNamesFromMetadata,
  configFromMetadata,
  configFromState,
  convnet,
  convnetBuffers,
  type ConvnetConfig,
  convnetConfig,
  convnetConfigs,
  ConvnetError,
  type ConvnetErrorCode,
  convnetFeatures,
  type ConvnetLayers,
  convnetMetadata,
  convnetParameters,
  convnetTensors,
  convnetUnits,
  type ConvSpec,
  type HeadSpec,
  type ImagesSpec,
  imagenetPreprocessing,
  type InferOptions,
  type LinearSpec,
  type MaxPoolSpec,
  type NamedShapes,
  preprocess,
  type Preprocessing,
  type ResNetConfig,
  separateBuffers,
  type SubsampleSpec,
  type TensorRole,
  type TensorSpec,
  type VggConfig,
} from './forward.ts';
