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
  return quantizers.map(({ key, name, design: quantizer }) => {
    const annealed = key === 'ofq';
    const quantized = job(quantizeClassifier, {
      label: labelled(design, seed, `two bits: ${name}`),
      config: {
        flavour,
        images: [trained!],
        validation: [validated!],
        model,
        design: quantizer,
        epochs: settings.quantizedEpochs,
        // The same epochs for both.
        cooldownEpochs: annealed ? 0 : settings.annealingEpochs,
        ...(annealed && {
          annealing: {
            epochs: settings.annealingEpochs,
            boundaryRange: settings.boundaryRange,
            queryKey: false,
          },
        }),
        batchSize: settings.quantizedBatchSize,
        learningRate: settings.quantizedLearningRate,
        minLearningRate: settings.quantizedMinLearningRate,
        warmupEpochs: 0.5,
        ...{ weightDecay, cropPadding, flip },
        labels: 'data',
        keepCheckpoint: false,
        calibrationImages: settings.quantizedBatchSize,
        oscillationRecords: settings.oscillationRecords,
      },
      seed,
      data: train.data,
      needs: { float: standard },
    });
    return job(evaluateQuantized, {
      label: labelled(design, seed, `evaluate two bits: ${name}`),
      config: { flavour, images: [tested!], classes: 'all', batchSize: 250, model },
      seed,
      data: test.data,
      needs: { model: quantized, float: standard },
    });
  });
}

export interface QuantizedResults {
  readonly seed: number;
  readonly quantized: Finished<QuantizeConfig, QuantizeResult> | undefined;
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
    const quantized = outcome
      .of(quantizeClassifier)
      .find((one) => one.seed === seed && one.config.design.weights === weights);
    const evaluated = outcome
      .of(evaluateQuantized)
      .find((one) => one.seed === seed && one.result.model === quantized?.result.sha256);
    return { seed, quantized, evaluated };
  });
}
