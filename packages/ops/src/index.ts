// Products
export { matMul } from './mat-mul.ts';
export { linear } from './linear.ts';

// Parts of a vision transformer
export { patchify } from './patchify.ts';
export { layerNorm } from './layer-norm.ts';
export { gelu } from './gelu.ts';
export { softmax } from './softmax.ts';
export { attention, attentionPacked } from './attention.ts';

// Losses
export { crossEntropy } from './cross-entropy.ts';

// Gradients of tfjs-core's own operations
export { requireGradients } from './require-gradients.ts';

// Errors and types
export { OpsError, type OpsErrorCode } from './error.ts';
export type { NamedTensors } from './types.ts';
