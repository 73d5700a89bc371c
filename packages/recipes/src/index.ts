// Training
export { type ClassifierRecipe, type TrainClassifierOptions, trainClassifier } from './train.ts';
export type { ClassifierGradients, ClassifierWorkers } from './gradients.ts';

// Quantizing
export { quantizeClassifier } from './quantize/quantize-classifier.ts';
export type { AgainstOscillation, Annealing, QuantizationRecipe } from './quantize/recipe.ts';
export type { QuantizeEvent } from './quantize/events.ts';
export type { FloatModel, QuantizeClassifierOptions } from './quantize/options.ts';
export type { QuantizationGradients, QuantizationLoss, QuantizationWorkers } from './quantize/gradients.ts';
export {
  type EvaluateModelOptions,
  type EvaluateQuantizedOptions,
  evaluateFloat,
  evaluateQuantized,
  type ImageResult,
  type ModelEvaluation,
} from './quantize/evaluate.ts';
export type { QuantizedClassifier } from './quantize/forward.ts';
export { type PublishedRecipe, publishedRecipes } from './quantize/published.ts';

// Evaluating and predicting
export { type ClassifierOptions, evaluateClassifier, predict } from './evaluate.ts';

// Images under a corruption
export { type CorruptionSetting, corrupted } from './corrupted.ts';
export { type InMemoryOptions, inMemory } from './in-memory.ts';

// Whether a data set and a model belong together
export { requireFit } from './batch.ts';

// Errors
export { RecipeError, type RecipeErrorCode } from './error.ts';
