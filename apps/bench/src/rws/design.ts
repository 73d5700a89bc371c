import { type CorruptionName, corruptionNames } from '@proj/corruptions';
import type { Projection } from '@proj/rws';
import { BenchError } from '../error.ts';
import type { PoolConfig } from '../tasks/images.ts';
import type { Flavour } from '../tasks/kernels.ts';
import type { ModelConfig } from '../tasks/model.ts';

/** What a study of robust weight signatures can vary. */
export type DesignSettings = {
  readonly seeds: readonly number[];
  readonly corruptions: readonly string[];
  readonly severity: number;
  readonly flavour: string;
  readonly model: string;
  readonly embedDim: number;
  readonly depth: number;
  readonly heads: number;
  readonly patchSize: number;
  readonly mlpRatio: number;
  /** What is divided into training and validation images. */
  readonly data: readonly string[];
  readonly trainImages: number;
  readonly validationImages: number;
  /** Empty: the test images are a third part of the data. */
  readonly testData: readonly string[];
  readonly testImages: number;
  /** Of the common start, trained from nothing. */
  readonly startEpochs: number;
  readonly startLearningRate: number;
  /** Of the standard and the robust models, trained on from it. */
  readonly epochs: number;
  readonly learningRate: number;
  readonly batchSize: number;
  readonly weightDecay: number;
  readonly cropPadding: number;
  readonly flip: boolean;
  /** `orthogonal` is the paper's, `none` the plain difference; the first is shown in figures. */
  readonly projections: readonly string[];
  readonly bits: number;
  /** Strengths that are tried on validation images, and shown on test images; 0 and 1 among them. */
  readonly alphas: readonly number[];
  /** What all strengths are multiplied by when all signatures are on the model. */
  readonly factors: readonly number[];
  /** In points: how close to the best the smallest number of units must come. */
  readonly tolerance: number;
  /** Signatures of up to so many units are tried. */
  readonly maxUnits: number;
  /** Units that signatures cover when they are compared with each other. */
  readonly comparedUnits: number;
  readonly galleryImages: number;
};

/** The same, with lists of names checked. */
export type Design = Omit<DesignSettings, 'corruptions' | 'projections' | 'flavour'> & {
  readonly corruptions: readonly CorruptionName[];
  readonly projections: readonly [Projection, ...Projection[]];
  readonly flavour: Flavour;
};

const projections = ['orthogonal', 'none'] as const satisfies readonly Projection[];
const flavours = ['reproducible', 'relaxed', 'wide'] as const satisfies readonly Flavour[];

/** @throws {BenchError} BENCH_SETTING, naming the setting and what it can be. */
export function designOf(settings: DesignSettings): Design {
  const { alphas } = settings;
  for (const needed of [0, 1])
    if (!alphas.includes(needed)) refuse('alphas', `must have ${needed} among them`);
  return {
    ...settings,
    corruptions: namesIn('corruptions', settings.corruptions, corruptionNames),
    projections: namesIn('projections', settings.projections, projections),
    flavour: namesIn('flavour', [settings.flavour], flavours)[0],
  };
}

function namesIn<T extends string>(
  setting: string,
  names: readonly string[],
  known: readonly T[],
): [T, ...T[]] {
  const found = [...new Set(names)].map(
    (name) =>
      known.find((one) => one === name) ??
      refuse(setting, `there is no "${name}"; choose from ${known.join(', ')}`),
  );
  const [first, ...rest] = found;
  return first === undefined ? refuse(setting, 'is empty') : [first, ...rest];
}

function refuse(setting: string, why: string): never {
  throw new BenchError('BENCH_SETTING', `setting ${setting}: ${why}.`);
}

export const modelOf = ({ model, embedDim, depth, heads, patchSize, mlpRatio }: Design): ModelConfig => ({
  ...{ model, embedDim, depth, heads, patchSize, mlpRatio },
});

export type Images = PoolConfig & { readonly part: number; readonly corruptionSeed: number };

/** Where the images of each split come from: each has corruptions of its own. */
export function splitsOf(
  { data, trainImages, validationImages, testData, testImages }: Design,
  seed: number,
): Readonly<Record<'train' | 'validation' | 'test', Images>> {
  const own = testData.length > 0;
  const pool = {
    data,
    parts: [trainImages, validationImages, ...(own ? [] : [testImages])],
    splitSeed: seed,
  };
  const test = own ? { data: testData, parts: [testImages], splitSeed: seed, part: 0 } : { ...pool, part: 2 };
  return {
    train: { ...pool, part: 0, corruptionSeed: seed },
    validation: { ...pool, part: 1, corruptionSeed: seed + 1 },
    test: { ...test, corruptionSeed: seed + 2 },
  };
}
