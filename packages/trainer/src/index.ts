// Training
export { type CheckpointStore, type EvaluationView, type TrainOptions, train } from './train.ts';
export type { TrainEvent, Trained } from './events.ts';

// Losses and their gradients
export { crossEntropy, distillation, softCrossEntropy } from './losses.ts';
export {
  type Batch,
  type GradientFunction,
  type LossFunction,
  tapeGradients,
  type ValueAndGradients,
} from './gradients.ts';

// Optimizers and schedules
export type { Optimizer, OptimizerState } from './optimizer.ts';
export { type AdamwOptions, adamw, timmNoDecay } from './adamw.ts';
export { type SgdOptions, sgd } from './sgd.ts';
export { clippedByGlobalNorm } from './clip.ts';
export {
  type CosineOptions,
  cosine,
  type LearningRate,
  type MultiStepOptions,
  multiStep,
  perEpoch,
  type Schedule,
} from './schedule.ts';

// Evaluation
export { type EvaluateOptions, type Evaluation, evaluate } from './evaluate.ts';

// Checkpoints
export {
  type Checkpoint,
  type Companion,
  type Position,
  parseCheckpoint,
  serializeCheckpoint,
} from './checkpoint.ts';
export { type Config, configFingerprint, requireSameConfig } from './config.ts';

// Letting signals, timers and clicks run within long work
export { nextTurn } from './event-loop.ts';

// Errors
export { TrainerError, type TrainerErrorCode } from './error.ts';
