import type { ImageDataset } from '@proj/datasets';
import type { QuantizationRecipe } from '@proj/recipes';
import { defineTask, type TaskContext } from '../experiment.ts';
import { type ImagesConfig, openImages } from './images.ts';
import { type Flavour, startKernels } from './kernels.ts';
import { type ModelConfig, modelConfig, type OpenedModel, openModel } from './model.ts';
import type { DesignConfig } from './quantize-config.ts';
import { quantizedDesign } from './quantized-design.ts';
import { overheadSeconds, passSeconds } from './speed.ts';

type TimedDesign = { readonly name: string; readonly design: DesignConfig };

export type TimeStepsConfig = {
  readonly flavour: Flavour;
  readonly model: ModelConfig;
  readonly images: readonly ImagesConfig[];
  readonly batchSize: number;
  readonly designs: readonly TimedDesign[];
  /** Steps of each, in turn with the others. */
  readonly rounds: number;
};

export type TimeStepsResult = {
  /** Milliseconds of every step, by the designs' names; the float model trains without a teacher. */
  readonly milliseconds: { readonly [name: string]: readonly number[] };
};

/** How results call the training of the float model itself. */
export const FLOAT = 'float';

/** Kernels, caches and the heap come to rest. */
const warmUpSteps = 2;

/** Times whole training steps (images read, teacher, gradients, optimizer) of several designs, step by step in turn, in one process. */
export const timeTrainingSteps = defineTask<TimeStepsConfig, TimeStepsResult>({
  name: 'time-training-steps',
  module: import.meta.url,
  resources: { cores: 2, memoryGiB: 4, timing: true },
  estimate: ({ model, batchSize, designs, rounds }) => ({
    seconds:
      overheadSeconds +
      passSeconds(modelConfig(model, 10), 5 * batchSize * (rounds + warmUpSteps) * (designs.length + 1)),
    bytes: 0,
  }),
  run,
});

async function run(context: TaskContext<TimeStepsConfig>): Promise<TimeStepsResult> {
  const { config, seed, needs, signal, progress } = context;
  await startKernels(config.flavour);
  const float = await openModel(needs['float']!);
  const dataset = await openImages(config.images);
  const trainings = new Map([[FLOAT, await floatTraining(config, seed, float, dataset)]]);
  for (const { name, design } of config.designs) {
    trainings.set(name, await quantizedTraining(config, seed, float, dataset, design));
  }
  const taken = new Map([...trainings.keys()].map((name): [string, number[]] => [name, []]));
  const rounds = config.rounds + warmUpSteps;
  for (let round = 0; round < rounds; round++) {
    for (const [name, training] of trainings) {
      const from = performance.now();
      await toNextStep(training);
      if (round >= warmUpSteps) taken.get(name)!.push(performance.now() - from);
      signal.throwIfAborted();
    }
    progress(round + 1, rounds);
  }
  for (const training of trainings.values()) await training.return();
  return { milliseconds: Object.fromEntries(taken) };
}

type Training = AsyncGenerator<{ readonly kind: string }, void, void>;

async function toNextStep(training: Training): Promise<void> {
  for (;;) {
    const { value, done } = await training.next();
    if (done === true) throw new RangeError('there are too few images for so many rounds');
    if (value.kind === 'step') return;
  }
}

const rates = { learningRate: 1e-5, minLearningRate: 1e-5, warmupEpochs: 0, weightDecay: 0.05 } as const;

async function floatTraining(
  { batchSize }: TimeStepsConfig,
  seed: number,
  { config, state }: OpenedModel,
  dataset: ImageDataset,
): Promise<Training> {
  const { trainClassifier } = await import('@proj/recipes');
  return trainClassifier({ config, dataset, start: state, recipe: { seed, epochs: 1, batchSize, ...rates } });
}

async function quantizedTraining(
  { batchSize }: TimeStepsConfig,
  seed: number,
  { config, state }: OpenedModel,
  dataset: ImageDataset,
  design: DesignConfig,
): Promise<Training> {
  const { quantizeClassifier } = await import('@proj/recipes');
  const recipe: QuantizationRecipe = {
    ...{ seed, batchSize, epochs: 1, cooldownEpochs: 0, labels: 'teacher', ...rates },
    warmupLearningRate: rates.minLearningRate,
  };
  return quantizeClassifier({
    config,
    design: await quantizedDesign(config, design),
    ...{ start: state, recipe, dataset },
  });
}
