export { attention, attentionGradient, attentionScratch } from './attention';
export { batchNorm, batchNormGradient, batchNormScratch, channelStatistics } from './batch-norm';
export * from './constants';
export { crossEntropy } from './cross-entropy';
export { depthwise, depthwiseFilterGradient, depthwiseInputGradient } from './depthwise';
export { gelu, geluGradient, geluTanh, geluTanhGradient } from './gelu';
export { columnSums, layerNorm, layerNormGradient } from './layer-norm';
export { maxPoolGradient } from './max-pool';
export { adamw, sgd, sumOfSquares } from './optimizers';
export { lsq, lsqGradient } from './lsq';
export { product, productScratch } from './product';
export { quantizedAttention, quantizedAttentionGradient, quantizedAttentionScratch } from './quantized-attention';
export { segmentSum } from './segment-sum';
export { softmax, softmaxGradient } from './softmax';
export { statsq } from './statsq';
export { transposeBytes, transposeWords } from './transpose';
export { clear, gatherWindows, scatterWindows } from './windows';
// Exported only because the optimizer then leaves them functions of their own: inlined, they lose half their speed in V8.
export { tile, tileAdding } from './tile';
