import type { Outcome } from '../experiment.ts';
import { accuracyOverBits } from '../oscillation/bits.ts';
import type { Cell, Section, TableSection } from '../report/section.ts';
import { meanInterval } from '../report/statistics.ts';
import { rightImagesOf } from '../tasks/compare-logits.ts';
import { type CifarCase, type CifarSettings, casesOf } from './cifar.ts';
import { formatted, pairedDifference, wilson } from './intervals.ts';
import type { Method, MethodKey } from './methods.ts';
import { oscillationFigures } from './oscillation-figures.ts';
import { type Evaluated, type Quantized, StudyResults } from './results.ts';

export async function cifarReport(outcome: Outcome<CifarSettings>): Promise<Section[]> {
  const { settings } = outcome;
  const results = new StudyResults(outcome);
  return [
    accuracyTable(settings, results),
    differencesTable(settings, results),
    ...(settings.otherBits.length > 0 ? [bitsFigure(settings, results)] : []),
    oscillationTable(settings, results),
    ...(await oscillationFigures(rowsOf(settings, results), results)),
  ];
}

interface Row {
  readonly bits: number;
  readonly method: Method;
  readonly runs: readonly {
    readonly quantized: Quantized;
    readonly at: Evaluated;
    readonly float: Evaluated;
  }[];
}

/** Methods at some bits, those first that have the fewest, with the seeds that are done. */
function rowsOf(settings: CifarSettings, results: StudyResults): Row[] {
  const groups = new Map<string, CifarCase[]>();
  for (const one of casesOf(settings)) {
    const key = `${one.bits} ${one.method.key}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()]
    .map((cases): Row => {
      const { bits, method } = cases[0]!;
      const runs = cases.flatMap(({ seed }) => {
        const quantized = results.quantized(method, bits, seed);
        const at = results.evaluated(quantized, seed);
        const float = results.evaluated('float', seed);
        return quantized && at && float ? [{ quantized, at, float }] : [];
      });
      return { bits, method, runs };
    })
    .toSorted((a, b) => a.bits - b.bits);
}

const over = <T>(runs: readonly T[], value: (run: T) => number | undefined): Cell => {
  const values = runs.map(value).filter((one) => one !== undefined);
  return values.length === 0 ? null : meanInterval(values);
};

/** Standard deviation over seeds; one has none. */
function spread(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}

function accuracyTable(settings: CifarSettings, results: StudyResults): TableSection {
  const floats = settings.seeds.flatMap((seed) => results.evaluated('float', seed) ?? []);
  const images = (all: readonly Evaluated[]): Cell => {
    if (all.length === 0) return null;
    return formatted(wilson(all[0]!.result.right, all[0]!.result.images));
  };
  const top1 = (one: Evaluated) => 100 * one.result.top1;
  const kilobytes = (bytes: number) => bytes / 1000;
  const rows = rowsOf(settings, results).map(({ bits, method, runs }): Cell[] => {
    const at = runs.map((run) => run.at);
    return [
      `W${bits}A${bits}`,
      method.name,
      over(at, top1),
      spread(at.map(top1)),
      images(at),
      over(runs, (run) => (100 * run.at.result.top1) / run.float.result.top1),
      over(at, ({ result }) => 100 * result.agreement),
      over(at, ({ result }) => result.kl),
      runs.length === 0 ? null : kilobytes(runs[0]!.quantized.result.bytes.packed),
    ];
  });
  const [float] = results.evaluated('float', settings.seeds[0]!) ? floats : [];
  const bytes = rowsOf(settings, results).flatMap(({ runs }) => runs)[0]?.quantized.result.bytes.float32;
  return {
    kind: 'table',
    title: 'Accuracy',
    note:
      `Top-1 in percent on ${settings.testImages.toLocaleString('en-US')} test images; only the size of the float model was chosen by some of them. All quantized models of a seed start from the same float model, are distilled from it, and see the same images in the same order for the same number of steps; float is that model, which is not trained on. ` +
      'The interval over images is Wilson’s, 95 %; ± is over seeds. Packed files are evaluated as they are read back.',
    head: [
      ...['bits', 'method', 'top-1, %', 'deviation over seeds', 'first seed, interval over images'],
      ...['of the float accuracy, %', 'agrees with float, %', 'KL from float, nats', 'file, kB'],
    ],
    rows: [
      [
        ...['float', '', over(floats, top1), spread(floats.map(top1)), float ? images(floats) : null],
        ...[100, 100, 0, bytes === undefined ? null : kilobytes(bytes)],
      ],
      ...rows,
    ],
    digits: [0, 0, 1, 2, 0, 1, 1, 3, 1],
  };
}

function bitsFigure(settings: CifarSettings, results: StudyResults): Section {
  const rows = rowsOf(settings, results);
  const top1 = (one: Evaluated) => 100 * one.result.top1;
  const compared = [...new Set(rows.map(({ method }) => method))].filter(({ key }) =>
    settings.methods.includes(key),
  );
  return accuracyOverBits(
    compared.map((method) => {
      const own = rows.filter((row) => row.method === method);
      return {
        name: method.name,
        from: own.flatMap(({ runs }) => runs.map(({ at }) => at)),
        accuracies: new Map(own.map(({ bits, runs }) => [bits, runs.map(({ at }) => top1(at))])),
      };
    }),
    {
      images: `${settings.testImages.toLocaleString('en-US')} test images`,
      float: settings.seeds.flatMap((seed) => results.evaluated('float', seed) ?? []).map(top1),
    },
  );
}

/** What is compared with what, at W2A2. */
const pairs: readonly (readonly [MethodKey, MethodKey])[] = [
  ['statsq', 'lsq'],
  ['qkr', 'statsq'],
  ['ofq', 'qkr'],
  ['ofq-qk', 'ofq'],
  ['ofq', 'lsq'],
];

/** Differences between methods on the same seeds and images. */
function differencesTable(settings: CifarSettings, results: StudyResults): TableSection {
  const rows = rowsOf(settings, results);
  const compared = [2, ...settings.otherBits].flatMap((bits) =>
    pairs.flatMap(([one, other]): Cell[][] => {
      const [a, b] = [one, other].map((key) =>
        rows.find((row) => row.method.key === key && row.bits === bits),
      );
      if (a === undefined || b === undefined) return [];
      const both = a.runs.flatMap((run) => {
        const same = b.runs.find(({ at }) => at.seed === run.at.seed);
        return same === undefined ? [] : [[run.at, same.at] as const];
      });
      const right = (all: readonly Evaluated[]) => all.flatMap(({ result }) => rightImagesOf(result));
      return [
        [
          `W${bits}A${bits}`,
          `${a.method.name} − ${b.method.name}`,
          over(both, ([x, y]) => 100 * (x.result.top1 - y.result.top1)),
          both.length === 0
            ? null
            : formatted(pairedDifference(right(both.map(([x]) => x)), right(both.map(([, y]) => y))), 2),
        ],
      ];
    }),
  );
  return {
    kind: 'table',
    title: 'What each part is worth',
    note: 'Differences of top-1 in points between models of the same seed. Over images: paired, of all seeds together, with the 95 % interval.',
    head: ['bits', 'difference', 'points, over seeds', 'points, over images'],
    rows: compared,
    digits: 2,
  };
}

function oscillationTable(settings: CifarSettings, results: StudyResults): TableSection {
  const shares = ['oscillating', 'flips', 'withinBoundary'] as const;
  return {
    kind: 'table',
    title: 'Oscillation at the end',
    note: 'Shares of the blocks’ weights in the last record of the training, in percent: whose moving average of oscillation is above the tracker’s bound, that changed their level in that step, and that lie within the boundary range of a threshold.',
    head: ['bits', 'method', 'oscillating, %', 'flip in a step, %', 'within the boundary range, %'],
    rows: rowsOf(settings, results).map(({ bits, method, runs }) => [
      `W${bits}A${bits}`,
      method.name,
      ...shares.map((share) =>
        over(runs, ({ quantized }) => {
          const value = quantized.result.oscillation?.[share];
          return value === undefined ? undefined : 100 * value;
        }),
      ),
    ]),
    digits: 3,
  };
}
