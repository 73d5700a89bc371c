// Products
export { matMul } from './mat-mul.ts';
export { linear } from './linear.ts';

// Parts of a vision transformer
export { patchify } from './patchify.ts';
export { gatherRows } from './gather-rows.ts';
export { layerNorm } from './layer-norm.ts';
export { gelu } from './gelu.ts';
export { type SoftmaxOptions, softmax } from './softmax.ts';
export { attention, attentionPacked } from './attention.ts';

// Whole branches of a transformer block
export { attentionBlock } from './attention-block.ts';
export { mlpBlock } from './mlp-block.ts';
export type { Affine } from './residual.ts';

// Quantizers, and layers between them
export { type LsqOffsets, type LsqSpec, lsq } from './lsq.ts';
export { type StatsqSpec, statsq } from './statsq.ts';
export { type QuantizedAffine, quantizedLinear, quantizedMlp } from './quantized-linear.ts';
export { mergeQueryKey } from './merge-query-key.ts';
export { type QuantizedAttentionSpec, quantizedAttention } from './quantized-attention.ts';
export {
  type QuantizedAttentionLayers,
  type QuantizedTensor,
  quantizedAttentionBlock,
} from './quantized-attention-block.ts';

// Parts of a convolutional network
export { type BatchNormSpec, batchNorm, batchNormTraining } from './batch-norm.ts';

// Losses
export { crossEntropy } from './cross-entropy.ts';

// Steps of optimizers, over all parameters at once
export { type AdamwSettings, type AdamwTensors, adamwStep } from './adamw-step.ts';
export { type SgdSettings, type SgdTensors, sgdStep } from './sgd-step.ts';
export { globalNorm } from './global-norm.ts';

// Gradients of tfjs-core's own operations
export { requireGradients } from './require-gradients.ts';

// Errors and types
export { OpsError, type OpsErrorCode } from './error.ts';
export type { NamedTensors } from './types.ts';
