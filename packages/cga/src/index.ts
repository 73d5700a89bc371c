// Annealing
export {
  type CgaOptions,
  confidenceGuided,
  type NamedTensors,
  type Stepping,
} from './confidence-guided.ts';
export { publishedSchedule } from './published.ts';
export { type TargetRule, targetRules } from './targets.ts';
export type { FreezeCount, FreezeReport } from './report.ts';

// What it decides by
export { confidence, type FreezeSpec, frozenWeights } from './confidence.ts';
export { frozenGradient } from './frozen-gradient.ts';

// Errors
export { CgaError, type CgaErrorCode } from './error.ts';
