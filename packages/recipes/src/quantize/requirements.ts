import { quantizedParameters } from '@proj/vit/quantized';
import { RecipeError } from '../error.ts';
import { floatParameters } from './forward.ts';
import type { QuantizeClassifierOptions } from './options.ts';

/** Refuses, before any work, what does not belong together. */
export function requireQuantizable(options: QuantizeClassifierOptions<unknown>): void {
  const { config, design, start, teacher, recipe, continueFrom, calibrationImages, oscillation } = options;
  floatParameters(config, start);
  quantizedParameters(config, design);
  if (teacher !== undefined) {
    floatParameters(teacher.config, teacher.state);
    const seen = ({ imageSize, channels, classes, preprocessing }: typeof config): string =>
      JSON.stringify([imageSize, channels, classes, preprocessing.mean, preprocessing.std]);
    if (seen(teacher.config) !== seen(config)) {
      throw new RecipeError(
        'RECIPE_TEACHER',
        `the teacher ${teacher.config.name} and ${config.name} differ in image size, channels, mean, deviation or number of classes: ` +
          `${seen(teacher.config)} and ${seen(config)}; choose a teacher that takes the same images and knows the same classes.`,
      );
    }
  }
  const { annealing, against } = recipe;
  refuse(annealing !== undefined && design.weights !== 'statsq', [
    `annealing freezes weights by StatsQ's thresholds, and this design's are ${design.weights}'s`,
    'leave annealing out, or quantize with statsq',
  ]);
  refuse(against !== undefined && design.weights === 'statsq', [
    `${against?.method} is for weights with learned steps, and StatsQ has none`,
    'leave it out, or quantize with lsq or lsq+',
  ]);
  refuse(annealing?.queryKey === true && design.attention !== 'qkr', [
    'annealing.queryKey is about the product of QKR, and this design has plain attention',
    'set it to false',
  ]);
  refuse(continueFrom !== undefined && annealing === undefined, [
    'continueFrom is the end of a training to be annealed, and the recipe has no annealing',
    "add annealing to the recipe, or pass a checkpoint of this training as 'resume'",
  ]);
  for (const [name, count] of Object.entries({ calibrationImages, everySteps: oscillation?.everySteps })) {
    refuse(count !== undefined && !(Number.isSafeInteger(count) && count > 0), [
      `${name} is ${count}`,
      'pass a positive integer or leave it out',
    ]);
  }
}

function refuse(wrong: boolean, [what, remedy]: readonly [string, string]): void {
  if (wrong) throw new RecipeError('RECIPE_OPTION_INVALID', `${what}; ${remedy}.`);
}
