// Images under a corruption
export { type CorruptionSetting, corrupted, inMemory } from './corrupted.ts';
// Errors
export { RecipeError, type RecipeErrorCode } from './error.ts';

// Evaluating and predicting
export { type ClassifierOptions, evaluateClassifier, predict } from './evaluate.ts';
// Training
export {
  type ClassifierRecipe,
  recipeConfig,
  type TrainClassifierOptions,
  trainClassifier,
} from './train.ts';
