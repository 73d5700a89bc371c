import { type AnyJob, job } from '../experiment.ts';
import { evaluateQuantized } from '../tasks/evaluate-quantized.ts';
import type { ImagesConfig } from '../tasks/images.ts';
import type { ModelConfig } from '../tasks/model.ts';
import type { QuantizeConfig } from '../tasks/quantize-config.ts';
import { trainClassifier } from '../tasks/train-classifier.ts';
import { bitsOf, commonRecipe, flavourOf, type RecipeSettings } from './design.ts';
import { type Method, methods, namedMethods } from './methods.ts';
import { training } from './trainings.ts';

export type CifarSettings = RecipeSettings & {
  /** At W2A2; the first one everywhere else. */
  readonly seeds: readonly number[];
  /** Keys of `methods`, compared at all bits. */
  readonly methods: readonly string[];
  /** Besides W2A2. */
  readonly otherBits: readonly number[];
  /** Keys of further methods, at W2A2 with the first seed only. */
  readonly baselines: readonly string[];
  readonly model: string;
  readonly embedDim: number;
  readonly depth: number;
  readonly heads: number;
  readonly patchSize: number;
  readonly mlpRatio: number;
  readonly data: readonly string[];
  readonly trainImages: number;
  readonly testData: readonly string[];
  readonly testImages: number;
  readonly floatEpochs: number;
  readonly floatLearningRate: number;
  readonly cropPadding: number;
  readonly flip: boolean;
};

export interface CifarCase {
  readonly method: Method;
  readonly bits: QuantizeConfig['design']['bits'];
  readonly seed: number;
}

/** Every model of the study, the quantized ones. */
export function casesOf(settings: CifarSettings): CifarCase[] {
  const { seeds, otherBits } = settings;
  const [first] = seeds;
  if (first === undefined) return [];
  const compared = namedMethods('methods', settings.methods);
  const extra = namedMethods('baselines', settings.baselines).filter((one) => !compared.includes(one));
  return methods.flatMap((method: Method): CifarCase[] => {
    if (extra.includes(method)) return [{ method, bits: 2, seed: first }];
    if (!compared.includes(method)) return [];
    return [
      ...seeds.map((seed) => ({ method, bits: 2 as const, seed })),
      ...bitsOf('otherBits', otherBits).map((bits) => ({ method, bits, seed: first })),
    ];
  });
}

const modelOf = (settings: CifarSettings): ModelConfig => {
  const { model, embedDim, depth, heads, patchSize, mlpRatio } = settings;
  return { model, embedDim, depth, heads, patchSize, mlpRatio };
};

export function jobsOf(settings: CifarSettings): AnyJob[] {
  const { trainImages, testImages, data, testData, cropPadding, flip } = settings;
  const model = modelOf(settings);
  const flavour = flavourOf(settings);
  const train: ImagesConfig = { data, parts: [trainImages], splitSeed: 0, part: 0 };
  const own = testData.length > 0;
  const test: ImagesConfig = own
    ? { data: testData, parts: [testImages], splitSeed: 0, part: 0 }
    : { ...train, parts: [trainImages, testImages], part: 1 };
  const trained = own ? train : { ...test, part: 0 };
  const called = (seed: number) => (settings.seeds.length > 1 ? `, seed ${seed}` : '');

  const floats = new Map(
    settings.seeds.map((seed) => {
      const { part: trainPart, ...pool } = trained;
      const { batchSize, weightDecay, minLearningRate } = settings;
      const float = job(trainClassifier, {
        label: `float${called(seed)}`,
        config: {
          ...{ flavour, ...model, ...pool, trainPart, severity: 5, corruptionSeed: 0 },
          ...{ epochs: settings.floatEpochs, learningRate: settings.floatLearningRate, warmupEpochs: 1 },
          ...{ batchSize, weightDecay, minLearningRate, cropPadding, flip },
        },
        seed,
        data,
      });
      return [seed, float] as const;
    }),
  );
  const evaluated = (label: string, seed: number, needs: Record<string, AnyJob>) =>
    job(evaluateQuantized, {
      label: `evaluate ${label}`,
      config: { flavour, images: [test], classes: 'all', batchSize: 250, model },
      seed,
      data: test.data,
      needs,
    });
  return [
    ...settings.seeds.map((seed) => evaluated(`float${called(seed)}`, seed, { float: floats.get(seed)! })),
    ...casesOf(settings).map(({ method, bits, seed }) => {
      const float = floats.get(seed)!;
      const quantized = training(method, {
        settings,
        config: { ...commonRecipe(settings, [trained]), model, labels: 'data', cropPadding, flip },
        ...{ bits, seed, data, float, called: called(seed) },
      });
      return evaluated(quantized.label, seed, { model: quantized, float });
    }),
  ];
}
