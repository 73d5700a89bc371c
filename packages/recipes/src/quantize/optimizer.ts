import { confidenceGuided, targetRules } from '@proj/cga';
import { leastEps, leftOutOfTraining } from '@proj/qkr';
import { adamw, clippedByGlobalNorm, cosine, type Optimizer, perEpoch, type Schedule } from '@proj/trainer';
import type { SwinConfig, VitConfig } from '@proj/vit';
import type { QuantizedDesign } from '@proj/vit/quantized';
import { zerosLike } from '@tensorflow/tfjs-core';
import { isSwin } from './forward.ts';
import type { QuantizationRecipe } from './recipe.ts';
import { blockWeights } from './weights.ts';
import { withGradients } from './with-gradients.ts';

/**
 * AdamW by a recipe, which anneals after {@link trainingSteps}. Everything it does depends on its state and the tensors alone.
 *
 * Its `step` throws `TrainerError` `TRAINER_GRADIENTS_NOT_FINITE` naming the parameters: a finite loss can have gradients that are not.
 */
export function quantizationOptimizer(
  config: VitConfig | SwinConfig,
  design: QuantizedDesign,
  recipe: QuantizationRecipe,
  stepsPerEpoch: number,
): Optimizer {
  const { weightDecay, eps = leastEps, annealing } = recipe;
  const learningRate = recipeSchedule(recipe, stepsPerEpoch);
  const optimizer = withoutDeadOffsets(adamw({ learningRate, weightDecay, eps }));
  if (annealing === undefined) return checked(optimizer);
  const bits = new Map(blockWeights(config, design).map(({ name, quantizer }) => [name, quantizer.bits]));
  const qkr = design.attention === 'qkr';
  const annealed = confidenceGuided(optimizer, {
    bits: (name) => bits.get(name)!,
    boundaryRange: annealing.boundaryRange,
    targets: isSwin(config) ? targetRules[qkr ? 'swinQkr' : 'swin'] : targetRules[qkr ? 'deitQkr' : 'deit'],
  });
  const annealFrom = trainingSteps(recipe, stepsPerEpoch);
  return checked({
    ...optimizer,
    step: (parameters, gradients, state) =>
      (state.step < annealFrom ? optimizer : annealed).step(parameters, gradients, state),
  });
}

/** `optimizer` that takes no step by gradients which are not finite. */
const checked = (optimizer: Optimizer): Optimizer => clippedByGlobalNorm(optimizer, Number.POSITIVE_INFINITY);

/** Steps before the annealing. */
export const trainingSteps = (
  { epochs, cooldownEpochs }: Pick<QuantizationRecipe, 'epochs' | 'cooldownEpochs'>,
  stepsPerEpoch: number,
): number => Math.round((epochs + cooldownEpochs) * stepsPerEpoch);

/** Cosine with warm-up, at its least rate once the epochs are over: through the cool-down and the annealing. */
export function recipeSchedule(recipe: QuantizationRecipe, stepsPerEpoch: number): Schedule {
  const { scheduled = 'epoch', epochs, warmupEpochs } = recipe;
  const unit = scheduled === 'epoch' ? 1 : stepsPerEpoch;
  const schedule = cosine({
    base: recipe.learningRate,
    min: recipe.minLearningRate,
    warmup: warmupEpochs * unit,
    warmupFrom: recipe.warmupLearningRate,
    total: epochs * unit,
  });
  if (scheduled === 'step') return schedule;
  const epochwise = perEpoch(schedule, stepsPerEpoch);
  // Where the cosine ends within an epoch, that epoch's rate does not last into the next stage.
  const over = trainingSteps({ epochs, cooldownEpochs: 0 }, stepsPerEpoch);
  return (step) => (step < over ? epochwise(step) : recipe.minLearningRate);
}

/**
 * `optimizer` with gradients of 0 for the shifts of QKR's keys after their quantizer, which the softmax does not see: what arrives is
 * rounding noise. Vectors do not decay, so that they keep every bit.
 */
function withoutDeadOffsets(optimizer: Optimizer): Optimizer {
  return withGradients(
    optimizer,
    (_, gradients) =>
      new Map(
        [...gradients].flatMap(([name, gradient]) =>
          leftOutOfTraining(name) ? [[name, zerosLike(gradient)] as const] : [],
        ),
      ),
  );
}
