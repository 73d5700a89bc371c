import type { Outcome } from '../experiment.ts';
import { spread } from '../kernels/statistics.ts';
import type { Cell, Section, TableSection } from '../report/section.ts';
import { rightImagesOf } from '../tasks/compare-logits.ts';
import { FLOAT, timeTrainingSteps } from '../tasks/time-training-steps.ts';
import { type DeitSettings, rounded, tests, timedName } from './deit.ts';
import { formatted, pairedDifference, wilson } from './intervals.ts';
import { type Method, namedMethods } from './methods.ts';
import { oscillationFigures } from './oscillation-figures.ts';
import { type Evaluated, type Quantized, StudyResults } from './results.ts';

interface Row {
  readonly bits: number;
  readonly name: string;
  readonly quantized: Quantized | undefined;
  /** Absent for models that were only rounded. */
  readonly method?: Method;
}

export async function deitReport(outcome: Outcome<DeitSettings>): Promise<Section[]> {
  const { settings } = outcome;
  const results = new StudyResults(outcome);
  const rows = rowsOf(settings, results);
  const watched = rows.flatMap(({ bits, method, quantized }) =>
    method !== undefined && quantized !== undefined ? [{ bits, method, runs: [{ quantized }] }] : [],
  );
  return [
    ...tests.map((test) => accuracyTable(settings, results, rows, test)),
    differencesTable(settings, results, rows),
    costTable(settings, outcome, rows),
    ...(await oscillationFigures(watched, results)),
  ];
}

function rowsOf({ bits, methods, seed }: DeitSettings, results: StudyResults): Row[] {
  return [...bits]
    .sort((a, b) => a - b)
    .flatMap((bits): Row[] => [
      ...rounded.map(({ name, design }) => ({
        ...{ bits, name },
        quantized: results.calibrated(design.weights, bits, seed),
      })),
      ...namedMethods('methods', methods).map((method) => ({
        ...{ bits, name: method.name, method },
        quantized: results.quantized(method, bits, seed),
      })),
    ]);
}

function accuracyTable(
  settings: DeitSettings,
  results: StudyResults,
  rows: readonly Row[],
  { data, name }: (typeof tests)[number],
): TableSection {
  const { seed, sampleImages, tinyImages, heldBackImages, tinyTestImages } = settings;
  const row = (bits: string, called: string, at: Evaluated | undefined): Cell[] =>
    at === undefined
      ? [bits, called, null, null, null, null]
      : [
          ...[bits, called, formatted(wilson(at.result.right, at.result.images))],
          formatted(wilson(Math.round(at.result.agreement * at.result.images), at.result.images)),
          ...[at.result.kl, at.result.loss],
        ];
  const count = (images: number) => images.toLocaleString('en-US');
  const images =
    data === 'imagenet-sample'
      ? `${count(heldBackImages)} ImageNet images that nothing was trained on, one a class, all 1,000 classes. They look like training images of the float model, so that its accuracy is no validation accuracy; compare rows with each other only.`
      : `${count(tinyTestImages)} validation images of Tiny-ImageNet, scaled from 64 to 224 pixels, among its 200 classes.`;
  return {
    kind: 'table',
    title: `On ${name}`,
    note: `${images} Trained on ${count(sampleImages)} ImageNet images and ${count(tinyImages)} of Tiny-ImageNet without labels. Intervals are Wilson’s, 95 %.`,
    head: [
      'bits',
      'method',
      'top-1, %',
      'agrees with float, %',
      'KL from float, nats',
      'cross-entropy, nats',
    ],
    rows: [
      row('float', '', results.evaluated('float', seed, data)),
      ...rows.map(({ bits, name: called, quantized }) =>
        row(`W${bits}A${bits}`, called, results.evaluated(quantized, seed, data)),
      ),
    ],
    digits: [0, 0, 1, 1, 3, 3],
  };
}

/** Each method against LSQ, with the same images, steps and test images. */
function differencesTable({ seed }: DeitSettings, results: StudyResults, rows: readonly Row[]): TableSection {
  const compared = rows.flatMap((row) => {
    const lsq = rows.find(({ bits, method }) => bits === row.bits && method?.key === 'lsq');
    return row.method === undefined || lsq === undefined || row === lsq ? [] : [{ row, lsq }];
  });
  return {
    kind: 'table',
    title: 'Against LSQ under the same budget',
    note: 'Differences in points on the same images, with 95 % intervals of paired differences over images. One seed: what another would give is not in them.',
    head: ['bits', 'difference', ...tests.map(({ name }) => `top-1 on ${name}, points`)],
    rows: compared.map(({ row, lsq }): Cell[] => [
      ...[`W${row.bits}A${row.bits}`, `${row.name} − ${lsq.name}`],
      ...tests.map(({ data }) => {
        const [ours, theirs] = [row, lsq].map(({ quantized }) => results.evaluated(quantized, seed, data));
        if (ours === undefined || theirs === undefined) return null;
        return formatted(pairedDifference(rightImagesOf(ours.result), rightImagesOf(theirs.result)));
      }),
    ]),
    digits: 1,
  };
}

function costTable(
  { batchSize }: DeitSettings,
  outcome: Outcome<DeitSettings>,
  rows: readonly Row[],
): TableSection {
  const [timed] = outcome.of(timeTrainingSteps);
  const step = (name: string): Cell[] => {
    const values = timed?.result.milliseconds[name];
    if (values === undefined) return [null, null];
    const { median, q1, q3 } = spread(values);
    return [median, `${q1.toFixed(0)} to ${q3.toFixed(0)}`];
  };
  return {
    kind: 'table',
    title: 'Time and size',
    note: `A training step of ${batchSize} images with everything in it: reading them, the teacher, gradients and AdamW; float is the float model's own training, without a teacher. Measured in turn in one process, with nothing else running. Sizes are of the packed file, embedding and head with 8 bits, and of the float32 model.`,
    head: [
      ...['bits', 'method', 'ms a step, median', 'quartiles', 'steps trained', 'file, MB'],
      ...['float, MB', 'oscillating at the end, %'],
    ],
    rows: [
      ['float', '', ...step(FLOAT), null, null, null, null],
      ...rows.flatMap(({ bits, name, method, quantized }): Cell[][] => {
        if (quantized === undefined) return [];
        const { steps, bytes, oscillation } = quantized.result;
        return [
          [
            ...[`W${bits}A${bits}`, name],
            ...(method === undefined ? [null, null] : step(timedName(method.name, bits))),
            ...[steps, bytes.packed / 1e6, bytes.float32 / 1e6],
            oscillation === null ? null : 100 * oscillation.oscillating,
          ],
        ];
      }),
    ],
    digits: [0, 0, 0, 0, 0, 2, 2, 2],
  };
}
