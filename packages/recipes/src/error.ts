/**
 * - `RECIPE_IMAGE_SIZE`: the data set's images are not what the model takes.
 * - `RECIPE_CLASSES`: the data set has more classes than the model, or others.
 * - `RECIPE_TEACHER`: a teacher that takes other images than the model, or knows other classes.
 * - `RECIPE_OPTION_INVALID`: parts of a recipe that do not go together, or a count that is none.
 * - `RECIPE_WORKER_KERNELS`: a worker cannot compute with the kernels of the main thread.
 */
export type RecipeErrorCode =
  | 'RECIPE_IMAGE_SIZE'
  | 'RECIPE_CLASSES'
  | 'RECIPE_TEACHER'
  | 'RECIPE_OPTION_INVALID'
  | 'RECIPE_WORKER_KERNELS';

/** A data set and a model that do not belong together, or workers that do not. */
export class RecipeError extends Error {
  override readonly name = 'RecipeError';
  readonly code: RecipeErrorCode;

  constructor(code: RecipeErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
