// How a model is quantized

export { calibrate, type QuantizedModel } from './calibrate.ts';
export { formatPlan, layerBits, ofqPlan, type QuantizedDesign, quantizableLayers } from './design.ts';
export { type FromFloatOptions, quantizedFromFloat } from './from-float.ts';
export { frozenLayers } from './frozen-layers.ts';
// Its layers, for `vit` and `swin`
export { type QuantizedHooks, quantizedLayers } from './layers.ts';
export { designFromMetadata, quantizedMetadata } from './metadata.ts';
export { observeImages } from './observe-images.ts';
// Its file of packed codes (FORMAT.md)
export { packModel } from './pack.ts';
export { isPacked, packedMetadata } from './packed-metadata.ts';
export { levelsOfCodes } from './packed-rows.ts';
export { type PackedWeight, packedWeights } from './packed-weights.ts';
// Its parameters, and where they come from
export { quantizedBuffers, quantizedParameters } from './parameters.ts';
// Its files
export { fromReference } from './reference.ts';
export { type UnpackedWeight, unpackModel, unpackWeights } from './unpack.ts';
export { weightErrors } from './weight-errors.ts';
