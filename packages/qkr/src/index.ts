// The attention
export { type QkrOptions, qkrAttention } from './attention.ts';
export type { AttentionSizes, QkrSpec } from './spec.ts';

// Its parameters, and where they come from
export { type QkrParameter, qkrParameters } from './parameters.ts';
export { qkrFromFloat, qkrFromQkv } from './from-qkv.ts';
export { qkrInitialSteps, qkrIntermediates } from './stages.ts';
export { leastEps, leftOutOfTraining } from './offsets.ts';

// What it costs
export { type AttentionCost, plainAttentionCost, qkrAttentionCost } from './cost.ts';

// Errors
export { QkrError, type QkrErrorCode } from './error.ts';
