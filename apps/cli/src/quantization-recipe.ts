import type { AgainstOscillation, PublishedRecipe, QuantizationRecipe } from '@proj/recipes';
import type { SwinConfig, VitConfig } from '@proj/vit/forward';
import { ofqPlan, type QuantizedDesign } from '@proj/vit/quantized';
import { usageError } from './exit.ts';

/** What of a recipe and a design the command line may say; the rest is the published recipe's, else the one below. */
export interface RecipeOptions {
  readonly recipe?: string;
  readonly bits?: string;
  readonly weights?: QuantizedDesign['weights'];
  readonly attention?: QuantizedDesign['attention'];
  readonly seed?: number;
  readonly epochs?: number;
  readonly cooldownEpochs?: number;
  readonly batchSize?: number;
  readonly learningRate?: number;
  readonly minLearningRate?: number;
  readonly warmupEpochs?: number;
  readonly warmupLearningRate?: number;
  readonly weightDecay?: number;
  readonly labels?: QuantizationRecipe['labels'];
  readonly cropPadding?: number;
  readonly flip?: boolean;
  /** False with --no-augmentation. */
  readonly augmentation: boolean;
  readonly cgaEpochs?: number;
  readonly boundaryRange?: number;
  readonly cgaQueryKey?: boolean;
  readonly against?: AgainstOscillation['method'];
  readonly dampeningStrength?: number;
  readonly freezingMomentum?: number;
  readonly freezingFrom?: number;
  readonly freezingTo?: number;
}

/** For --bits alone: a short training that starts from a float model which is good already. */
const shortRecipe: QuantizationRecipe = {
  seed: 0,
  epochs: 10,
  cooldownEpochs: 0,
  batchSize: 64,
  learningRate: 5e-4,
  minLearningRate: 1e-5,
  warmupEpochs: 1,
  warmupLearningRate: 1e-6,
  scheduled: 'step',
  weightDecay: 0.05,
  labels: 'data',
};

/** CGA's boundary range in all published trainings. */
const boundaryRange = 0.005;

/** The published recipe of this name; undefined without a name. */
export function publishedRecipe(
  published: Readonly<Record<string, PublishedRecipe>>,
  { recipe: name, bits }: Pick<RecipeOptions, 'recipe' | 'bits'>,
): PublishedRecipe | undefined {
  if (name === undefined) {
    if (bits !== undefined) return undefined;
    throw usageError('say how to quantize: with --recipe, or with --bits, e.g. --bits w2a2.');
  }
  if (Object.hasOwn(published, name)) return published[name];
  throw usageError(`--recipe ${name}: there are ${Object.keys(published).join(', ')}.`);
}

/** The design that recipe and options make for a model; `--bits` are the blocks', both ends keep 8. */
export function designOf(
  config: VitConfig | SwinConfig,
  published: PublishedRecipe | undefined,
  { bits, weights, attention }: RecipeOptions,
): QuantizedDesign {
  const design = published?.design ?? { plan: ofqPlan(config, 2), weights: 'statsq', attention: 'qkr' };
  return {
    plan: bits === undefined ? design.plan : { ...design.plan, default: bits },
    weights: weights ?? design.weights,
    attention: attention ?? design.attention,
  };
}

/** The recipe with what the options say in place of its own. */
export function recipeOf(published: PublishedRecipe | undefined, options: RecipeOptions): QuantizationRecipe {
  const { augmentation, annealing, ...base } = published?.recipe ?? shortRecipe;
  const { cropPadding, flip } = options;
  const given = { ...(cropPadding !== undefined && { cropPadding }), ...(flip === true && { flip }) };
  const wanted = Object.keys(given).length > 0 ? given : options.augmentation ? augmentation : undefined;
  const cgaEpochs = options.cgaEpochs ?? annealing?.epochs ?? 0;
  const { boundaryRange: range, cgaQueryKey: queryKey } = options;
  if (cgaEpochs === 0 && (range !== undefined || queryKey === true)) {
    throw usageError('--boundary-range and --cga-query-key are about annealing; give --cga-epochs too.');
  }
  const against = againstOf(options);
  return {
    ...base,
    seed: options.seed ?? base.seed,
    epochs: options.epochs ?? base.epochs,
    cooldownEpochs: options.cooldownEpochs ?? base.cooldownEpochs,
    batchSize: options.batchSize ?? base.batchSize,
    learningRate: options.learningRate ?? base.learningRate,
    minLearningRate: options.minLearningRate ?? base.minLearningRate,
    warmupEpochs: options.warmupEpochs ?? base.warmupEpochs,
    warmupLearningRate: options.warmupLearningRate ?? base.warmupLearningRate,
    weightDecay: options.weightDecay ?? base.weightDecay,
    labels: options.labels ?? base.labels,
    ...(wanted && { augmentation: wanted }),
    ...(against && { against }),
    ...(cgaEpochs > 0 && {
      annealing: {
        epochs: cgaEpochs,
        boundaryRange: range ?? annealing?.boundaryRange ?? boundaryRange,
        queryKey: queryKey ?? annealing?.queryKey ?? false,
      },
    }),
  };
}

/** A baseline of Nagel et al. 2022, with the numbers of our studies where no others are given. */
function againstOf(options: RecipeOptions): AgainstOscillation | undefined {
  const { against: method, dampeningStrength, freezingMomentum, freezingFrom, freezingTo } = options;
  const freezing = [freezingMomentum, freezingFrom, freezingTo];
  if (method !== 'dampening' && dampeningStrength !== undefined) {
    throw usageError('--dampening-strength is about a baseline; give --against dampening too.');
  }
  if (method !== 'freezing' && freezing.some((value) => value !== undefined)) {
    throw usageError('--freezing-momentum, -from and -to are about a baseline; give --against freezing too.');
  }
  if (method === 'dampening') return { method, strength: dampeningStrength ?? 1e-3 };
  if (method === undefined) return undefined;
  const threshold = { from: freezingFrom ?? 0.04, to: freezingTo ?? 0.01 };
  return { method, momentum: freezingMomentum ?? 0.01, threshold };
}
