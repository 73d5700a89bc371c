// How a model is quantized
export { formatPlan, layerBits, ofqPlan, type QuantizedDesign, quantizableLayers } from './design.ts';
// Its layers, for `vit` and `swin`
export { type QuantizedHooks, quantizedLayers } from './layers.ts';
// Its parameters, and where they come from
export { quantizedBuffers, quantizedParameters } from './parameters.ts';
