export { attentionPacked, attentionPackedGradient, attentionScratch } from './attention';
export { gelu, geluGradient } from './gelu';
export { columnSums, layerNorm, layerNormGradient } from './layer-norm';
export { maxPoolGradient } from './max-pool';
export { adamw, sgd, sumOfSquares } from './optimizers';
export { product, productScratch } from './product';
// Exported only because the optimizer then leaves them functions of their own: inlined, they lose half their speed in V8.
export { tile, tileAdding } from './tile';
