import type { CorruptionName } from '@proj/corruptions';
import type {
  Cell,
  HeatMapSection,
  ImagesSection,
  LinesSection,
  Section,
  TableSection,
} from '../report/section.ts';
import { meanInterval } from '../report/statistics.ts';
import { type MetricsLine, metricsOf } from '../runner/metrics.ts';
import type { Design } from './design.ts';
import { projectionName } from './jobs.ts';
import { type Accuracy, type SeedResults, shareOfGain, type Trained } from './results.ts';

/** The mean over those seeds that have the value. */
export function over(
  seeds: readonly SeedResults[],
  value: (seed: SeedResults) => number | null | undefined,
): Cell {
  const values = seeds.map(value).filter((one) => one !== undefined && one !== null);
  return values.length === 0 ? null : meanInterval(values);
}

/** TA and RA, always together. */
export function accuracyTable(design: Design, seeds: readonly SeedResults[]): TableSection {
  const rows = design.corruptions.flatMap((corruption): Cell[][] => {
    const at = (seed: SeedResults) => seed.corruptions.get(corruption)!;
    const row = (
      name: string,
      accuracy: (seed: SeedResults) => Accuracy | undefined,
      share: boolean,
    ): Cell[] => [
      corruption,
      name,
      over(seeds, (seed) => accuracy(seed)?.clean),
      over(seeds, (seed) => accuracy(seed)?.corrupted),
      share
        ? over(seeds, (seed) => {
            const part = shareOfGain(at(seed).standardAccuracy, accuracy(seed), at(seed).robustAccuracy);
            return part === undefined ? undefined : 100 * part;
          })
        : null,
    ];
    return [
      row('standard', (seed) => at(seed).standardAccuracy, false),
      ...design.projections.map((projection) =>
        row(
          projection === 'orthogonal' ? 'patched' : `patched, ${projectionName[projection]}`,
          (seed) => at(seed).patched[projection].accuracy,
          true,
        ),
      ),
      ...(design.corruptions.length > 1
        ? [row('all patches at once', (seed) => at(seed).combinedAccuracy, true)]
        : []),
      row('robust', (seed) => at(seed).robustAccuracy, false),
    ];
  });
  return {
    kind: 'table',
    title: 'Clean and corrupted accuracy',
    note:
      `Top-1 in percent on ${design.testImages.toLocaleString('en-US')} test images that nothing was chosen by: clean (TA) and at severity ${design.severity} of 5 (RA). ` +
      '“Robust” is a whole model trained on that corruption only, “patched” the standard model plus the signature. The share is (patched − standard) / (robust − standard) of RA.',
    head: ['corruption', 'model', 'clean (TA), %', 'corrupted (RA), %', 'share of the robust gain, %'],
    rows,
  };
}

/** Strengths and accuracy, on test images, of the paper's signatures. */
export function alphaCurve(
  design: Design,
  seeds: readonly SeedResults[],
  corruption: CorruptionName,
): LinesSection {
  const [projection] = design.projections;
  const patched = (seed: SeedResults) => seed.corruptions.get(corruption)!.patched[projection];
  const points = (look: keyof Accuracy) =>
    design.alphas.flatMap((alpha) => {
      const mean = over(seeds, (seed) => patched(seed).sweep.find((row) => row.alpha === alpha)?.[look]);
      if (mean === null || typeof mean !== 'object') return [];
      const { mean: y, low, high } = mean;
      return [{ x: alpha, y, ...(low !== undefined && high !== undefined && { low, high }) }];
    });
  const tuned = seeds.map((seed) => patched(seed).tuned?.result).filter((result) => result !== undefined);
  const chosen = [...new Set(tuned.map(({ k, alpha }) => `the first ${k} units, α ${alpha}`))];
  const sole = new Set(tuned.map(({ alpha }) => alpha));
  return {
    kind: 'lines',
    title: `${corruption}: accuracy over the strength of the patch`,
    note: `Test images. Chosen on validation images: ${chosen.join('; ') || 'not yet'}${seeds.length > 1 ? ' (each for some seeds; units differ between them)' : ''}. At 0 it is the standard model.`,
    x: 'strength α of the patch',
    y: 'accuracy, %',
    yDomain: [0, 100],
    series: [
      { name: 'clean images', points: points('clean') },
      { name: `${corruption} images`, points: points('corrupted') },
    ],
    ...(sole.size === 1 && { mark: [...sole][0]! }),
  };
}

/** Nothing where the seed has no gallery of the corruption. */
export function gallerySection(
  seed: SeedResults,
  corruption: CorruptionName,
  width: number,
): ImagesSection[] {
  const made = seed.corruptions.get(corruption)!.gallery;
  if (made === undefined) return [];
  const verdict = (guess: string, label: string) =>
    guess === label ? ('right' as const) : ('wrong' as const);
  return [
    {
      kind: 'images',
      title: `${corruption}: test images before and after the patch`,
      note: 'Taken evenly over the test images, whatever the models make of them: what it is, what the standard model says, and what it says with the patch.',
      from: [made],
      width,
      images: made.result.images.map(({ png, label, before, after }) => ({
        png,
        alt: `an image of class ${label} under ${corruption}`,
        caption: [
          { text: `is ${label}` },
          { text: `before: ${before}`, verdict: verdict(before, label) },
          { text: `after: ${after}`, verdict: verdict(after, label) },
        ],
      })),
    },
  ];
}

/** Everything that was tried on validation images. */
export function triedTable(seeds: readonly SeedResults[]): TableSection {
  return {
    kind: 'table',
    title: 'What was tried on validation images',
    note: 'First the number of units at strength 1, then the strength at the smallest number that comes close to the best; what counts is the mean of both accuracies, in percent. Arrows mark what was chosen.',
    folded: true,
    digits: [0, 0, 0, 0, 2, 1, 1, 0],
    head: ['seed', 'corruption', 'signature', 'units', 'α', 'clean', 'corrupted', ''],
    rows: seeds.flatMap(({ seed, corruptions }) =>
      [...corruptions.values()].flatMap(({ patched }) =>
        Object.values(patched).flatMap(({ tuned }) =>
          (tuned?.result.tried ?? []).map((row): Cell[] => [
            seed,
            tuned!.config.corruption!,
            projectionName[tuned!.config.projection],
            row.k,
            row.alpha,
            100 * row.clean,
            100 * row.corrupted,
            row.k === tuned!.result.k && row.alpha === tuned!.result.alpha ? '←' : null,
          ]),
        ),
      ),
    ),
  };
}

/** ‖robust − standard‖ / ‖standard‖ of every weight tensor. */
export function differenceMap(design: Design, seeds: readonly SeedResults[]): HeatMapSection {
  const [projection] = design.projections;
  const differences = (seed: SeedResults, corruption: CorruptionName) =>
    seed.corruptions.get(corruption)!.patched[projection].extracted?.result.relativeDifferences;
  const first = seeds
    .flatMap((seed) => design.corruptions.map((corruption) => differences(seed, corruption)))
    .find((one) => one !== undefined);
  const names = (first ?? [])
    .map(({ name }) => name)
    .filter((name) => /weight$|_embed$/.test(name) && !/norm/.test(name));
  return {
    kind: 'heat-map',
    title: 'Where the weights changed',
    note: `‖robust − standard‖ / ‖standard‖ for every weight tensor, first layers on top${seeds.length > 1 ? '; means over the seeds' : ''}.`,
    value: 'relative difference',
    columns: [...design.corruptions],
    rows: names.map((name) => ({
      name,
      values: design.corruptions.map((corruption) => {
        const mean = over(
          seeds,
          (seed) => differences(seed, corruption)?.find((one) => one.name === name)?.value,
        );
        return mean !== null && typeof mean === 'object' ? mean.mean : null;
      }),
    })),
  };
}

/** How alike signatures of different corruptions are, for each kind of signature. */
export function cosineMaps(design: Design, seeds: readonly SeedResults[]): HeatMapSection[] {
  if (design.corruptions.length < 2) return [];
  return design.projections.map((projection) => ({
    kind: 'heat-map',
    title: `Cosines between signatures, ${projectionName[projection]}`,
    note: `Of the first ${design.comparedUnits} units, as they are stored (${design.bits} bits)${seeds.length > 1 ? '; means over the seeds' : ''}. Near 0: each corruption has a signature of its own.`,
    value: 'cosine',
    columns: [...design.corruptions],
    rows: design.corruptions.map((name, i) => ({
      name,
      values: design.corruptions.map((_, j) => {
        const mean = over(seeds, (seed) => {
          const made = seed.compared[projection];
          const at = (corruption: string) =>
            made?.signatures.findIndex((one) => one.name === `${corruption}-s${design.severity}`) ?? -1;
          return made?.cosines[at(design.corruptions[i]!)]?.[at(design.corruptions[j]!)];
        });
        return mean !== null && typeof mean === 'object' ? mean.mean : null;
      }),
    })),
  }));
}

/** Sizes of signatures; a ratio never stands without what is compared with what. */
export function compressionTable(design: Design, seeds: readonly SeedResults[]): TableSection {
  const chosen = seeds.flatMap((seed) =>
    design.corruptions.flatMap((corruption) =>
      design.projections.flatMap((projection) => {
        const tuned = seed.corruptions.get(corruption)!.patched[projection].tuned;
        return tuned === undefined
          ? []
          : [{ seed: seed.seed, corruption, projection, made: tuned.result.signature }];
      }),
    ),
  );
  const each = chosen.map(({ seed, corruption, projection, made }): Cell[] => [
    `${corruption}, ${projectionName[projection]}, seed ${seed}`,
    made.fileBytes,
    made.modelBytes,
    made.compression,
    made.configuration,
  ]);
  const system = seeds.flatMap(({ seed }) =>
    design.projections.flatMap((projection): Cell[][] => {
      const all = chosen.filter((one) => one.seed === seed && one.projection === projection);
      if (all.length < design.corruptions.length) return [];
      const model = all[0]!.made.modelBytes;
      const patches = all.reduce((sum, { made }) => sum + made.fileBytes, model);
      const models = model * (1 + all.length);
      return [
        [
          `whole system, ${projectionName[projection]}, seed ${seed}`,
          patches,
          models,
          models / patches,
          `one standard model and ${all.length} signature files against one standard and ${all.length} robust models in float32`,
        ],
      ];
    }),
  );
  return {
    kind: 'table',
    title: 'Sizes',
    note: 'Bytes of files on disk for signatures, of parameters in float32 for models. The number of units is what validation chose.',
    digits: 1,
    head: ['what', 'bytes with signatures', 'bytes without', 'times smaller', 'what is compared'],
    rows: [...system, ...each],
  };
}

/** What taking signatures off gives back. */
export function removalTable(seeds: readonly SeedResults[]): TableSection {
  const removals = seeds.flatMap(({ seed, removal }) => (removal === undefined ? [] : [{ seed, removal }]));
  const exact = removals.every(({ removal }) => removal.result.exact);
  return {
    kind: 'table',
    title: exact ? 'Taken off again, every bit is back' : 'Removal did not restore the model',
    note: 'The patched model was saved, opened with nothing else at hand, and its signatures were taken off in several orders. SHA-256 of all parameters; where one signature only was taken off, it is compared with the standard model patched with the others alone.',
    from: removals.map(({ removal }) => removal),
    head: ['seed', 'model', 'equal', 'SHA-256'],
    rows: removals.flatMap(({ seed, removal: { result } }): Cell[][] => [
      [seed, 'before patching', null, result.before],
      [seed, 'patched with all', null, result.patched],
      ...result.after.map(({ order, sha256 }): Cell[] => [
        seed,
        `removed: ${order}`,
        sha256 === result.before ? '✓ equal' : '✗ different',
        sha256,
      ]),
      ...result.partial.map(({ removed, sha256, expected }): Cell[] => [
        seed,
        `removed ${removed} only`,
        sha256 === expected ? '✓ equal' : '✗ different',
        sha256,
      ]),
    ]),
  };
}

/** How the first seed's models learned. */
export async function trainingCurves(seed: SeedResults): Promise<Section[]> {
  const named: [string, Trained | undefined][] = [
    ['start', seed.start],
    ['standard', seed.standard],
    ...[...seed.corruptions].map(([corruption, { robust }]): [string, Trained | undefined] => [
      `robust: ${corruption}`,
      robust,
    ]),
  ];
  const models = await Promise.all(
    named.flatMap(([name, trained]) =>
      trained === undefined ? [] : [metricsOf(trained).then((lines) => ({ name, trained, lines }))],
    ),
  );
  const from = models.map(({ trained }) => trained);
  const passes = ({ config, result }: Trained) => result.steps / config.epochs;
  return [
    {
      kind: 'lines',
      title: 'Training loss',
      note: `Means of a tenth of a pass over the training images, seed ${seed.seed}. All but the start go on from it.`,
      from,
      x: 'passes over the training images',
      y: 'training loss',
      series: models.map(({ name, trained, lines }) => ({
        name,
        points: smoothedLosses(lines, passes(trained)),
      })),
    },
    {
      kind: 'lines',
      title: 'Accuracy on validation images while training',
      note: `After every pass, seed ${seed.seed}; of the robust models under their corruption. Nothing was chosen by it.`,
      from,
      x: 'passes over the training images',
      y: 'accuracy, %',
      series: models.map(({ name, trained, lines }) => ({
        name,
        points: lines.flatMap((line) => {
          const top1 = line['corrupted accuracy'] ?? line['clean accuracy'];
          return top1 === undefined ? [] : [{ x: line.step / passes(trained), y: 100 * top1 }];
        }),
      })),
    },
  ];
}

/** Mean losses of every tenth of a pass over the data. */
export function smoothedLosses(lines: readonly MetricsLine[], stepsPerPass: number) {
  const window = Math.ceil(stepsPerPass / 10);
  const losses = lines.flatMap(({ step, loss }) => (loss === undefined ? [] : [{ step, loss }]));
  const points: { x: number; y: number }[] = [];
  for (let at = window; at <= losses.length; at += window) {
    const sum = losses.slice(at - window, at).reduce((total, { loss }) => total + loss, 0);
    points.push({ x: losses[at - 1]!.step / stepsPerPass, y: sum / window });
  }
  return points;
}
