import type { Outcome } from '../experiment.ts';
import {
  accuracyOverTime,
  boundaryOverTime,
  flipsOverTime,
  oscillatingOverTime,
} from '../oscillation/over-time.ts';
import type { Method, WatchedRun } from '../oscillation/watched.ts';
import { weightHistogram } from '../oscillation/weight-histogram.ts';
import type { Cell, Section, TableSection } from '../report/section.ts';
import { meanInterval } from '../report/statistics.ts';
import { metricsOf } from '../runner/metrics.ts';
import type { Design } from '../rws/design.ts';
import type { SeedResults } from '../rws/results.ts';
import { MODEL_FILE } from '../tasks/model.ts';
import { oscillationOf } from '../tasks/oscillation-file.ts';
import {
  QUANTIZED_BITS,
  type QuantizedResults,
  type QuantizedSettings,
  quantizedResults,
  quantizers,
} from './quantized.ts';

/** The demo's second half: the standard model with two bits, by LSQ and by OFQ. */
export async function quantizedSections(
  design: Design,
  settings: QuantizedSettings,
  outcome: Pick<Outcome, 'of'>,
  seeds: readonly SeedResults[],
): Promise<Section[]> {
  const results = quantizers.map((quantizer) => ({
    quantizer,
    runs: quantizedResults(outcome, design.seeds, quantizer.key),
  }));
  const methods = await Promise.all(
    results.map(async ({ quantizer, runs }): Promise<Method> => {
      const watched = runs.filter(({ quantized }) => quantized !== undefined).map(watchedRun);
      return { name: quantizer.name, runs: await Promise.all(watched) };
    }),
  );
  const done = methods.filter(({ runs }) => runs.length > 0);
  const steps = (design.trainImages / settings.quantizedBatchSize) | 0;
  const stage = { step: steps * settings.quantizedEpochs, name: 'the end at the least rate' };
  const floats = seeds.flatMap(({ standard }) => standard?.result.validation?.clean.top1 ?? []);
  return [
    sizesTable(design, results, seeds),
    accuracyOverTime(done, {
      images: 'validation images, after every pass over the training images; nothing was chosen by it',
      ...(floats.length > 0 && { float: 100 * meanInterval(floats).mean }),
      stage,
    }),
    flipsOverTime(done, stage),
    oscillatingOverTime(done, stage),
    boundaryOverTime(done, stage),
    ...results.flatMap(({ quantizer }, i) =>
      methods[i]!.runs.length > 0 ? [weightHistogram(methods[i]!, quantizer.design)] : [],
    ),
  ];
}

/** What stands in the files, and what it is worth. */
function sizesTable(
  design: Design,
  results: readonly {
    readonly quantizer: (typeof quantizers)[number];
    readonly runs: readonly QuantizedResults[];
  }[],
  seeds: readonly SeedResults[],
): TableSection {
  const over = (values: readonly (number | undefined)[]): Cell => {
    const known = values.filter((value) => value !== undefined);
    return known.length === 0 ? null : meanInterval(known);
  };
  const standard = (seed: number) => seeds.find((one) => one.seed === seed);
  const clean = (seed: number) =>
    [...(standard(seed)?.corruptions.values() ?? [])].at(0)?.standardAccuracy?.clean;
  const float = seeds.at(0)?.standard?.files.find(({ name }) => name === MODEL_FILE)?.bytes;
  return {
    kind: 'table',
    title: 'The same model with two bits',
    note:
      `The standard model, distilled from itself into weights and activations of ${QUANTIZED_BITS} bits (patch embedding and head have 8, as in the paper), with the same images and steps for both. Top-1 in percent on ${design.testImages.toLocaleString('en-US')} test images, of the packed files as they are read back; learning rate and length of the training, the same for both, were once chosen by such accuracies. ` +
      'LSQ learns the step of each row of weights; OFQ takes it from their mean (StatsQ), quantizes the product of queries and keys (QKR), and freezes weights far from a threshold at the end (CGA).',
    head: [
      'model',
      'top-1, %',
      'agrees with float, %',
      'bytes on disk',
      'times smaller',
      'oscillating at the end, %',
    ],
    digits: [0, 1, 1, 0, 1, 2],
    rows: [
      ['float32', over(design.seeds.map(clean)), 100, float ?? null, 1, null],
      ...results.map(({ quantizer, runs }): Cell[] => {
        const packed = runs.find(({ quantized }) => quantized !== undefined)?.quantized?.result.bytes.packed;
        const evaluated = runs.map((run) => run.evaluated?.result);
        return [
          quantizer.name,
          over(evaluated.map((result) => result && 100 * result.top1)),
          over(evaluated.map((result) => result && 100 * result.agreement)),
          packed ?? null,
          packed === undefined || float === undefined ? null : float / packed,
          over(
            runs.map(({ quantized }) => {
              const share = quantized?.result.oscillation?.oscillating;
              return share === undefined ? undefined : 100 * share;
            }),
          ),
        ];
      }),
    ],
  };
}

/** What the weights of a training did, and what accuracy it had after each pass; of both its parts where it has two. */
export async function watchedRun({ seed, before, quantized }: QuantizedResults): Promise<WatchedRun> {
  const parts = [before, quantized].filter((part) => part !== undefined);
  const lines = await Promise.all(parts.map(oscillationOf));
  const metrics = await Promise.all(parts.map(metricsOf));
  return {
    seed,
    from: parts,
    lines: lines.flat(),
    accuracy: metrics
      .flat()
      .flatMap(({ step, accuracy }) => (accuracy === undefined ? [] : [{ x: step, y: 100 * accuracy }])),
  };
}
