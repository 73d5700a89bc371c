// Quantizers: descriptions
export {
  type LsqQuantizer,
  lsqColumns,
  lsqConvolution,
  lsqFeatures,
  lsqImage,
  lsqPlusRows,
  lsqProbabilities,
  lsqQueriesKeys,
  lsqRows,
  lsqTensor,
  lsqTokens,
  lsqValues,
  type Quantizer,
  type StatsqQuantizer,
  statsq2d,
  statsq3d,
  statsq4d,
} from './quantizers.ts';
export { type Layout, type Levels, layoutOf, levelsOf, lsqSpec, statsqSpec } from './layout.ts';

// What they do
export { quantize } from './quantize.ts';
export { codes, dequantize, positions, statsqScale } from './codes.ts';
export { imageIsSigned, initialStep } from './initial-step.ts';

// Layers over named parameters
export { initLsqInput, type LsqInputSpec, lsqInput } from './lsq-input.ts';
export { initQLinear, type QLinearSpec, qLinear, quantizedAffine, type WeightMethod } from './q-linear.ts';
export { initQMlp, type QMlpSpec, qMlp } from './q-mlp.ts';
export { initQHead, type QHeadSpec, qHead } from './q-head.ts';
export { initQPatchEmbed, observeSign, type QPatchEmbedSpec, qPatchEmbed } from './q-patch-embed.ts';

// Bits
export { type Bits, formatLayerBits, type LayerBits, parseLayerBits } from './bits.ts';
export { type BitPlan, formatBitPlan, type ResolvedBits, resolveBitPlan } from './bit-plan.ts';

// Oscillation, measured
export {
  type FreezingState,
  type OscillationState,
  type Tracked,
  type TrackingSettings,
  trackOscillation,
} from './track-oscillation.ts';
export {
  type LayerOscillation,
  type LayerState,
  type OscillationRecord,
  OscillationTracker,
  type TrackedWeight,
  type TrackerSettings,
} from './oscillation-tracker.ts';
export { thresholdDistance } from './boundary.ts';
export { type Bins, type Histogram, histogram } from './histogram.ts';

// Baselines against it
export { dampening } from './dampening.ts';
export { freezeWeights } from './freeze-weights.ts';

// Errors
export { requireFinite } from './finite.ts';
export { QuantStatsError, type QuantStatsErrorCode } from './error.ts';
