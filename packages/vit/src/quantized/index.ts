// How a model is quantized
export { formatPlan, layerBits, ofqPlan, type QuantizedDesign, quantizableLayers } from './design.ts';

// Its parameters, and where they come from
export { quantizedBuffers, quantizedParameters } from './parameters.ts';
export { type FromFloatOptions, quantizedFromFloat } from './from-float.ts';
export { calibrate, type QuantizedModel } from './calibrate.ts';
export { observeImages } from './observe-images.ts';

// Its layers, for `vit` and `swin`
export { type QuantizedHooks, quantizedLayers } from './layers.ts';
export { quantizedSwinLayers } from './swin-layers.ts';

// An attention by itself
export { type QAttentionOptions, type QAttentionSpec, qAttention } from './attention.ts';
export { type QWindowAttentionSpec, qWindowAttention } from './window-attention.ts';
export type { Prepare } from './prepare.ts';

// Its files
export { fromReference } from './reference.ts';
export { designFromMetadata, quantizedMetadata } from './metadata.ts';

// Its file of packed codes (FORMAT.md)
export { packModel } from './pack.ts';
export { isPacked, packedMetadata } from './packed-metadata.ts';
export { levelsOfCodes } from './packed-rows.ts';
export { type PackedWeight, packedWeights } from './packed-weights.ts';
export { type UnpackedWeight, unpackModel, unpackWeights } from './unpack.ts';
export { frozenLayers } from './frozen-layers.ts';
export { frozenSwinLayers } from './frozen-swin-layers.ts';
export { weightErrors } from './weight-errors.ts';
