import { quantizedParameters } from '@proj/vit/quantized';
import { RecipeError } from '../error.ts';
import { floatParameters } from './forward.ts';
import type { QuantizeClassifierOptions } from './options.ts';
import type { QuantizationRecipe } from './recipe.ts';

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
  requireNumbers(recipe);
}

/** Those of a late stage would otherwise be refused only when it comes, after the training. */
function requireNumbers(recipe: QuantizationRecipe): void {
  const { learningRate, minLearningRate, warmupLearningRate, warmupEpochs, weightDecay } = recipe;
  const { epochs, cooldownEpochs, annealing, against } = recipe;
  const dampening = against?.method === 'dampening' ? against : undefined;
  const freezing = against?.method === 'freezing' ? against : undefined;
  const positive = (value: number): boolean => value > 0 && value < Number.POSITIVE_INFINITY;
  const rules: readonly (readonly [rule: string, fits: (value: number) => boolean, values: Numbers])[] = [
    [
      'a finite number of at least 0',
      (value) => value === 0 || positive(value),
      {
        ...{ learningRate, minLearningRate, warmupLearningRate, warmupEpochs, weightDecay },
        ...{ cooldownEpochs, 'annealing.epochs': annealing?.epochs },
        'against.strength': dampening?.strength,
      },
    ],
    [
      'a finite number above 0',
      positive,
      {
        ...{ epochs, eps: recipe.eps },
        'against.threshold.from': freezing?.threshold.from,
        'against.threshold.to': freezing?.threshold.to,
      },
    ],
    [
      'above 0 and at most 0.5, where the ranges of neighbouring thresholds meet',
      (value) => value > 0 && value <= 0.5,
      { 'annealing.boundaryRange': annealing?.boundaryRange },
    ],
  ];
  for (const [rule, fits, values] of rules) {
    for (const [name, value] of Object.entries(values)) {
      refuse(value !== undefined && !fits(value), [`${name} is ${value}`, `it must be ${rule}`]);
    }
  }
}

type Numbers = Readonly<Record<string, number | undefined>>;

function refuse(wrong: boolean, [what, remedy]: readonly [string, string]): void {
  if (wrong) throw new RecipeError('RECIPE_OPTION_INVALID', `${what}; ${remedy}.`);
}
