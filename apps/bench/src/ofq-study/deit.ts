import { weightsOf } from '../data.ts';
import { type AnyJob, job } from '../experiment.ts';
import { evaluateQuantized } from '../tasks/evaluate-quantized.ts';
import type { ImagesConfig } from '../tasks/images.ts';
import { pretrainedModel } from '../tasks/pretrained-model.ts';
import { quantizeClassifier } from '../tasks/quantize-classifier.ts';
import type { DesignConfig } from '../tasks/quantize-config.ts';
import { timeTrainingSteps } from '../tasks/time-training-steps.ts';
import { bitsOf, commonRecipe, flavourOf, type RecipeSettings } from './design.ts';
import { namedMethods } from './methods.ts';
import { training } from './trainings.ts';

export type DeitSettings = RecipeSettings & {
  readonly bits: readonly number[];
  /** Keys of `methods`. */
  readonly methods: readonly string[];
  readonly seed: number;
  readonly model: string;
  /** ImageNet's images, one a class: how many are trained on, and how many are held back. */
  readonly sampleImages: number;
  readonly heldBackImages: number;
  /** Tiny-ImageNet's, scaled up: for training, and of its validation images. */
  readonly tinyImages: number;
  readonly tinyTestImages: number;
  /** Training steps of each method that are timed. */
  readonly timedSteps: number;
};

const sample = 'imagenet-sample';
const tiny = { train: 'tiny-imagenet-mini/train', test: 'tiny-imagenet-mini/val' } as const;

/** What models are evaluated on, and how tables call it. */
export const tests = [
  { data: sample, name: 'ImageNet' },
  { data: tiny.test, name: 'Tiny-ImageNet' },
] as const;

/** Rounded to the nearest level, nothing trained: with LSQ's grid, and as OFQ's training begins. */
export const rounded = [
  { name: 'rounded to nearest, LSQ’s steps', design: { weights: 'lsq', attention: 'plain' } },
  { name: 'rounded to nearest, StatsQ + QKR', design: { weights: 'statsq', attention: 'qkr' } },
] as const satisfies readonly { name: string; design: Omit<DesignConfig, 'bits'> }[];

/** How the job that times steps calls them. */
export const timedName = (method: string, bits: number): string => `${method}, W${bits}A${bits}`;

export function jobsOf(settings: DeitSettings): AnyJob[] {
  const { seed, sampleImages, heldBackImages, tinyImages, tinyTestImages } = settings;
  const model = { model: settings.model };
  const flavour = flavourOf(settings);
  const pool = { data: [sample], parts: [sampleImages, heldBackImages], splitSeed: seed };
  const train: ImagesConfig[] = [
    { ...pool, part: 0 },
    { data: [tiny.train], parts: [tinyImages], splitSeed: seed, part: 0 },
  ];
  const weights = weightsOf(settings.model);
  const float = job(pretrainedModel, { label: 'float', config: model, data: [weights] });
  const common = {
    ...commonRecipe(settings, train),
    // A few thousand images are soon known by heart.
    ...({ model, labels: 'teacher', cropPadding: 16, flip: true } as const),
  };
  const data = train.flatMap((one) => one.data);

  const evaluated = (label: string, needs: Record<string, AnyJob>): AnyJob[] => {
    const at = (name: string, images: ImagesConfig, classes: 'all' | 'present') =>
      job(evaluateQuantized, {
        label: `evaluate ${label} on ${name}`,
        config: { flavour, images: [images], classes, batchSize: 20, model },
        seed,
        data: images.data,
        needs,
      });
    return [
      at('ImageNet', { ...pool, part: 1 }, 'all'),
      // Of the 1,000 classes those 200 count that Tiny-ImageNet has.
      at(
        'Tiny-ImageNet',
        { data: [tiny.test], parts: [tinyTestImages], splitSeed: seed, part: 0 },
        'present',
      ),
    ];
  };

  const timed = job(timeTrainingSteps, {
    label: 'time of training steps',
    config: {
      ...{ flavour, model, images: train, batchSize: settings.batchSize, rounds: settings.timedSteps },
      designs: settings.bits.flatMap((bits) =>
        namedMethods('methods', settings.methods)
          .filter(({ against }) => against === undefined)
          .map(({ name, design }) => ({
            name: timedName(name, bits),
            design: { ...design, bits: bitsOf('bits', [bits])[0]! },
          })),
      ),
    },
    ...{ seed, data, needs: { float } },
  });

  return [
    timed,
    ...evaluated('float', { float }),
    ...bitsOf('bits', settings.bits).flatMap((bits) => {
      const onlyRounded = rounded.map(({ name, design }) =>
        job(quantizeClassifier, {
          label: `${name}, W${bits}A${bits}`,
          config: {
            ...common,
            design: { ...design, bits },
            ...{ epochs: 0, cooldownEpochs: 0, keepCheckpoint: false, oscillationRecords: 0 },
          },
          ...{ seed, data, needs: { float } },
        }),
      );
      const trained = namedMethods('methods', settings.methods).map((method) =>
        training(method, { settings, config: common, bits, seed, data, float }),
      );
      return [...onlyRounded, ...trained].flatMap((one) => evaluated(one.label, { model: one, float }));
    }),
  ];
}
