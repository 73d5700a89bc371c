// How a model is quantized

export { calibrate, type QuantizedModel } from './calibrate.ts';
export { formatPlan, layerBits, ofqPlan, type QuantizedDesign, quantizableLayers } from './design.ts';
export { type FromFloatOptions, quantizedFromFloat } from './from-float.ts';
// Its layers, for `vit` and `swin`
export { type QuantizedHooks, quantizedLayers } from './layers.ts';
// Its parameters, and where they come from
export { quantizedBuffers, quantizedParameters } from './parameters.ts';
export { observeImages } from './observe-images.ts';

// Its files
export { fromReference } from './reference.ts';
export { designFromMetadata, quantizedMetadata } from './metadata.ts';
