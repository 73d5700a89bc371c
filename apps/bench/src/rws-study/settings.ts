import { type CorruptionName, corruptionNames } from '@proj/corruptions';
import { BenchError } from '../error.ts';
import type { Flavour } from '../tasks/kernels.ts';
import { compositionRules, type RuleName } from '../tasks/rws-study-signatures.ts';

/** What the study of robust weight signatures on three architectures can vary. */
export type StudySettings = {
  /** `vgg`, `resnet`, `vit`; the first has the main table, transfer and adaptation. */
  readonly architectures: readonly string[];
  /** Of the first architecture. */
  readonly seeds: readonly number[];
  readonly corruptions: readonly string[];
  /** Of the others. */
  readonly otherSeeds: readonly number[];
  readonly fewCorruptions: readonly string[];
  readonly severity: number;
  readonly flavour: string;
  /** Widths of the VGG's convolutions by stage, joined by hyphens within one. */
  readonly vggStages: readonly (string | number)[];
  /** The published ResNet-20 as the common start; otherwise one of this width and depths is trained. */
  readonly published: boolean;
  readonly resnetWidth: number;
  readonly resnetDepths: readonly number[];
  readonly vitModel: string;
  readonly vitPatch: number;
  readonly vitDim: number;
  readonly vitDepth: number;
  readonly vitHeads: number;
  readonly imageSize: number;
  readonly channels: number;
  readonly data: readonly string[];
  readonly trainImages: number;
  readonly validationImages: number;
  /** Empty: test images are a third part of the data. */
  readonly testData: readonly string[];
  readonly testImages: number;
  /** Of the test images, those that sweeps and compositions are measured on. */
  readonly sweepImages: number;
  /** Of the training images, those that statistics of batch normalisations are estimated from. */
  readonly statisticsImages: number;
  readonly startEpochs: number;
  readonly epochs: number;
  /** Of the published start, whose images are slower and which needs fewer. */
  readonly publishedEpochs: number;
  readonly batchSize: number;
  readonly cropPadding: number;
  readonly flip: boolean;
  /** Strengths that are tried on validation images. */
  readonly alphas: readonly number[];
  /** Strengths that sweeps show. */
  readonly sweepAlphas: readonly number[];
  readonly maxUnits: number;
  /** In points: how close to the best the smallest number of units must come. */
  readonly tolerance: number;
  /** Units of the signatures that are compared with each other. */
  readonly comparedUnits: number;
  /** How many patches are put together; those beyond the corruptions that there are are left out. */
  readonly counts: readonly number[];
  readonly rules: readonly string[];
  readonly factors: readonly number[];
  /** Of the validation images, those that choose the factor. */
  readonly factorImages: number;
  /** Empty: no transfer and no adaptation. */
  readonly transferData: readonly string[];
  /** Empty: test images are a third part of the data. */
  readonly transferTestData: readonly string[];
  /** Of models with these images, which have a new head to learn. */
  readonly transferEpochs: number;
  readonly transferSeeds: readonly number[];
  readonly adaptationSeeds: readonly number[];
  readonly adaptationCorruptions: readonly string[];
  /** 0: so many as take about ten seconds. */
  readonly checkpointSteps: number;
};

const architectureNames = ['vgg', 'resnet', 'vit'] as const;
export type ArchitectureName = (typeof architectureNames)[number];

/** The same, with lists of names checked. */
export type Study = Omit<
  StudySettings,
  'architectures' | 'corruptions' | 'fewCorruptions' | 'adaptationCorruptions' | 'rules' | 'flavour'
> & {
  readonly architectures: readonly ArchitectureName[];
  readonly corruptions: readonly CorruptionName[];
  readonly fewCorruptions: readonly CorruptionName[];
  readonly adaptationCorruptions: readonly CorruptionName[];
  readonly rules: readonly RuleName[];
  readonly flavour: Flavour;
};

const flavours = ['reproducible', 'relaxed', 'wide'] as const satisfies readonly Flavour[];

/** @throws {BenchError} BENCH_SETTING, naming the setting and what it can be. */
export function studyOf(settings: StudySettings): Study {
  const { corruptions, fewCorruptions, adaptationCorruptions, alphas } = settings;
  if (!alphas.includes(1)) refuse('alphas', 'must have 1 among them');
  const few = namesIn('fewCorruptions', fewCorruptions, corruptionNames);
  const of = namesIn('corruptions', corruptions, corruptionNames);
  return {
    ...settings,
    architectures: namesIn('architectures', settings.architectures, architectureNames),
    corruptions: of,
    // Transfer and adaptation carry signatures that the first architecture has.
    fewCorruptions: namesIn('fewCorruptions', few, of),
    adaptationCorruptions: namesIn('adaptationCorruptions', adaptationCorruptions, of),
    rules: namesIn('rules', settings.rules, Object.keys(compositionRules) as RuleName[]),
    flavour: namesIn('flavour', [settings.flavour], flavours)[0]!,
  };
}

function namesIn<T extends string>(
  setting: string,
  names: readonly string[],
  known: readonly T[],
): readonly T[] {
  const found = [...new Set(names)].map(
    (name) =>
      known.find((one) => one === name) ??
      refuse(setting, `there is no "${name}"; choose from ${known.join(', ')}`),
  );
  return found.length === 0 ? refuse(setting, 'is empty') : found;
}

function refuse(setting: string, why: string): never {
  throw new BenchError('BENCH_SETTING', `setting ${setting}: ${why}.`);
}
