// How a model is quantized
export { formatPlan, layerBits, ofqPlan, type QuantizedDesign, quantizableLayers } from './design.ts';
