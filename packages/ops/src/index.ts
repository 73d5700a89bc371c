// Products

// Parts of a vision transformer
export { attention, attentionPacked } from './attention.ts';
// Losses
export { crossEntropy } from './cross-entropy.ts';
// Errors and types
export { OpsError, type OpsErrorCode } from './error.ts';
export { gelu } from './gelu.ts';
export { layerNorm } from './layer-norm.ts';
export { linear } from './linear.ts';
export { matMul } from './mat-mul.ts';
export { patchify } from './patchify.ts';
// Gradients of tfjs-core's own operations
export { requireGradients } from './require-gradients.ts';
export { softmax } from './softmax.ts';
export type { NamedTensors } from './types.ts';
