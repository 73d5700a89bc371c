import { type AnyJob, type Finished, job, type Outcome } from '../experiment.ts';
import { type Design, modelOf, splitsOf } from '../rws/design.ts';
import { labelled, trainingsOfSeed } from '../rws/jobs.ts';
import type { EvaluateQuantizedConfig, EvaluateQuantizedResult } from '../tasks/evaluate-config.ts';
import { evaluateQuantized } from '../tasks/evaluate-quantized.ts';
import { quantizeClassifier } from '../tasks/quantize-classifier.ts';
import type { DesignConfig, QuantizeConfig, QuantizeResult } from '../tasks/quantize-config.ts';

/** How the demo's standard model is quantized. */
export type QuantizedSettings = {
  /** Distilled from the float model, with a falling rate. */
  readonly quantizedEpochs: number;
  /** After that, at the least rate: OFQ's model is annealed by confidence, the other one just trains on. */
  readonly annealingEpochs: number;
  readonly boundaryRange: number;
  readonly quantizedLearningRate: number;
  readonly quantizedMinLearningRate: number;
  readonly quantizedBatchSize: number;
  readonly oscillationRecords: number;
};

/** Of weights and activations in the blocks. */
export const QUANTIZED_BITS = 2;

/** What the demo compares: the usual learned step, and the paper's three parts together. */
export const quantizers = [
  { key: 'lsq', name: 'LSQ', design: { bits: QUANTIZED_BITS, weights: 'lsq', attention: 'plain' } },
  {
    key: 'ofq',
    name: 'OFQ (StatsQ, QKR, CGA)',
    design: { bits: QUANTIZED_BITS, weights: 'statsq', attention: 'qkr' },
  },
] as const satisfies readonly {
  readonly key: string;
  readonly name: string;
  readonly design: DesignConfig;
}[];

export type QuantizerKey = (typeof quantizers)[number]['key'];

/** The standard model of a seed with two bits, by each quantizer, and what comes of it on test images. */
export function quantizedJobs(design: Design, settings: QuantizedSettings, seed: number): AnyJob[] {
  const { flavour, weightDecay, cropPadding, flip } = design;
  const { train, validation, test } = splitsOf(design, seed);
  const { standard } = trainingsOfSeed(design, seed);
  const model = modelOf(design);
  const [trained, validated, tested] = [train, validation, test].map(
    ({ corruptionSeed: _, ...images }) => images,
  );
  const { quantizedEpochs: epochs, annealingEpochs } = settings;
  return quantizers.map(({ key, name, design: quantizer }) => {
    const training = (
      label: string,
      own: Pick<QuantizeConfig, 'cooldownEpochs' | 'annealing' | 'keepCheckpoint'>,
      ownEpochs: number,
      needs: Readonly<Record<string, AnyJob>>,
    ) =>
      job(quantizeClassifier, {
        label: labelled(design, seed, label),
        config: {
          ...{ flavour, images: [trained!], validation: [validated!], model, design: quantizer, epochs },
          batchSize: settings.quantizedBatchSize,
          learningRate: settings.quantizedLearningRate,
          minLearningRate: settings.quantizedMinLearningRate,
          warmupEpochs: 0.5,
          ...{ weightDecay, cropPadding, flip, labels: 'data' },
          calibrationImages: settings.quantizedBatchSize,
          // As far apart in all parts of a training.
          oscillationRecords: Math.round(
            (settings.oscillationRecords * ownEpochs) / (epochs + annealingEpochs),
          ),
          ...own,
        },
        seed,
        data: train.data,
        needs: { float: standard, ...needs },
      });
    const label = `two bits: ${name}`;
    // Both have the same epochs.
    const whole = { cooldownEpochs: annealingEpochs, keepCheckpoint: false };
    const before = { cooldownEpochs: 0, keepCheckpoint: true };
    const annealing = { epochs: annealingEpochs, boundaryRange: settings.boundaryRange, queryKey: false };
    const quantized =
      key === 'lsq'
        ? training(label, whole, epochs + annealingEpochs, {})
        : training(
            `${label}, annealed`,
            { cooldownEpochs: 0, keepCheckpoint: false, annealing },
            annealingEpochs,
            {
              training: training(label, before, epochs, {}),
            },
          );
    return job(evaluateQuantized, {
      label: labelled(design, seed, `evaluate two bits: ${name}`),
      config: { flavour, images: [tested!], classes: 'all', batchSize: 250, model },
      seed,
      data: test.data,
      needs: { model: quantized, float: standard },
    });
  });
}

type Quantized = Finished<QuantizeConfig, QuantizeResult>;

export interface QuantizedResults {
  readonly seed: number;
  readonly quantized: Quantized | undefined;
  /** The training that it went on from. */
  readonly before: Quantized | undefined;
  /** On test images, of the packed file. */
  readonly evaluated: Finished<EvaluateQuantizedConfig, EvaluateQuantizedResult> | undefined;
}

/** What is done of a quantizer's jobs, by seed. */
export function quantizedResults(
  outcome: Pick<Outcome, 'of'>,
  seeds: readonly number[],
  key: QuantizerKey,
): QuantizedResults[] {
  const { weights } = quantizers.find((one) => one.key === key)!.design;
  return seeds.map((seed) => {
    const own = outcome
      .of(quantizeClassifier)
      .filter((one) => one.seed === seed && one.config.design.weights === weights);
    const quantized = own.find(({ config }) => !config.keepCheckpoint);
    const before = own.find(({ config }) => config.keepCheckpoint);
    const evaluated = outcome
      .of(evaluateQuantized)
      .find((one) => one.seed === seed && one.result.model === quantized?.result.sha256);
    return { seed, quantized, before, evaluated };
  });
}
