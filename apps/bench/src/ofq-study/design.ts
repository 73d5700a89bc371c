import { BenchError } from '../error.ts';
import type { Settings } from '../experiment.ts';
import type { ImagesConfig } from '../tasks/images.ts';
import type { Flavour } from '../tasks/kernels.ts';
import type { DesignConfig, QuantizeConfig } from '../tasks/quantize-config.ts';

/** What both studies of quantization can vary: how the quantized models are trained. */
export type RecipeSettings = {
  readonly flavour: string;
  /** Of distillation with a falling rate. */
  readonly epochs: number;
  /** Of all methods after that, at the least rate; OFQ's are annealed by confidence (CGA). */
  readonly annealingEpochs: number;
  readonly boundaryRange: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly minLearningRate: number;
  readonly warmupEpochs: number;
  readonly weightDecay: number;
  readonly calibrationImages: number;
  readonly oscillationRecords: number;
  /** Between checkpoints; 0: as many as take about ten seconds. */
  readonly checkpointSteps: number;
};

const flavours = ['reproducible', 'relaxed', 'wide'] as const satisfies readonly Flavour[];
const allBits = [2, 3, 4] as const satisfies readonly DesignConfig['bits'][];

export const flavourOf = ({ flavour }: { readonly flavour: string }): Flavour =>
  oneOf('flavour', flavour, flavours);

export const bitsOf = (setting: string, bits: readonly number[]): DesignConfig['bits'][] =>
  bits.map((one) => oneOf(setting, one, allBits));

/** @throws {BenchError} BENCH_SETTING, naming the setting and what it can be. */
export function oneOf<T extends string | number>(
  setting: string,
  value: string | number,
  known: readonly T[],
): T {
  const found = known.find((one) => one === value);
  if (found !== undefined) return found;
  throw new BenchError(
    'BENCH_SETTING',
    `setting ${setting}: there is no ${JSON.stringify(value)}; choose from ${known.join(', ')}.`,
  );
}

/** What trainings of all methods have in common. */
export function commonRecipe(
  settings: RecipeSettings & Settings,
  images: readonly ImagesConfig[],
): Omit<
  QuantizeConfig,
  'design' | 'model' | 'labels' | 'cropPadding' | 'flip' | 'cooldownEpochs' | 'keepCheckpoint'
> {
  const { epochs, batchSize, learningRate, minLearningRate, warmupEpochs, weightDecay } = settings;
  const { calibrationImages, oscillationRecords, checkpointSteps } = settings;
  return {
    flavour: flavourOf(settings),
    images,
    ...{ epochs, batchSize, learningRate, minLearningRate, warmupEpochs, weightDecay },
    ...{ calibrationImages, oscillationRecords },
    ...(checkpointSteps > 0 && { checkpointSteps }),
  };
}
