import type { CorruptionName } from '@proj/corruptions';
import type { Cell, TableSection } from '../report/section.ts';
import { type Architecture, rowNames } from './architectures.ts';
import { type Accuracy, meanOf, over, type StudyResults } from './results.ts';
import type { Study } from './settings.ts';

const rowsOf = ({ variants, network }: Architecture): string[] => [
  ...['standard', 'augmented', 'robust'],
  ...variants.map(({ name }) => name),
  ...(network.family === 'resnet' ? ['bn-only'] : []),
];

const kilobytes = (bytes: number | undefined) => (bytes === undefined ? undefined : bytes / 1000);

/** Means over the corruptions: what a study comes to. */
export function summaryTable(
  study: Study,
  architectures: readonly Architecture[],
  results: StudyResults,
): TableSection {
  const rows = architectures.flatMap((architecture) =>
    rowsOf(architecture).map((name): Cell[] => {
      const { seeds, corruptions, title } = architecture;
      const mean = (seed: number, look: keyof Accuracy | 'bytes', of = name) =>
        meanOf(corruptions.map((corruption) => results.row(architecture.name, seed, corruption, of)?.[look]));
      const gain = (look: keyof Accuracy) => (seed: number) => {
        const [own, standard] = [mean(seed, look), mean(seed, look, 'standard')];
        return own === undefined || standard === undefined ? undefined : own - standard;
      };
      const plain = name === 'standard';
      return [
        title,
        rowNames[name]!,
        over(seeds, (seed) => mean(seed, 'clean')),
        over(seeds, (seed) => mean(seed, 'corrupted')),
        plain ? null : over(seeds, gain('clean')),
        plain ? null : over(seeds, gain('corrupted')),
        over(seeds, (seed) => kilobytes(mean(seed, 'bytes'))),
      ];
    }),
  );
  return {
    kind: 'table',
    title: 'What a patch gives, on average',
    note:
      `Top-1 in percent on ${study.testImages.toLocaleString('en-US')} test images, clean (TA) and at severity ${study.severity} of 5 (RA), means over the corruptions of each architecture; ± is the 95 % interval over seeds. ` +
      'Units and strength were chosen on validation images. Robust is a whole model for each corruption, data augmentation one model for all. kB is what has to be kept for one corruption beside the standard model; for data augmentation in its place, for all.',
    head: ['architecture', 'model', 'TA, %', 'RA, %', 'TA − standard', 'RA − standard', 'kB'],
    rows,
  };
}

/** TA and RA by corruption. */
export function corruptionTable(architecture: Architecture, results: StudyResults): TableSection {
  const { name, title, seeds, corruptions } = architecture;
  return {
    kind: 'table',
    title: `${title}: by corruption`,
    note: 'As above. For RWS the units and strengths that were chosen with each seed are in the table of choices.',
    head: ['corruption', 'model', 'TA, %', 'RA, %', 'kB'],
    rows: corruptions.flatMap((corruption) =>
      rowsOf(architecture).map((row): Cell[] => {
        const at = (seed: number) => results.row(name, seed, corruption, row);
        return [
          corruption,
          rowNames[row]!,
          over(seeds, (seed) => at(seed)?.clean),
          over(seeds, (seed) => at(seed)?.corrupted),
          over(seeds, (seed) => kilobytes(at(seed)?.bytes)),
        ];
      }),
    ),
  };
}

/** Says for each corruption whether RWS raised RA, and at what price. */
export function verdictTable(
  study: Study,
  architectures: readonly Architecture[],
  results: StudyResults,
): TableSection {
  const rows = architectures.flatMap(({ name, title, seeds, corruptions }) =>
    corruptions.map((corruption): Cell[] => {
      const gain = (row: string, look: keyof Accuracy) => (seed: number) => {
        const [own, standard] = [row, 'standard'].map(
          (of) => results.row(name, seed, corruption, of)?.[look],
        );
        return own === undefined || standard === undefined ? undefined : own - standard;
      };
      const clean = over(seeds, gain('rws', 'clean'));
      const corrupted = over(seeds, gain('rws', 'corrupted'));
      const costsMore = clean !== null && corrupted !== null && clean.mean + corrupted.mean < 0;
      const share = (seed: number) => {
        const [own, most] = [gain('rws', 'corrupted')(seed), gain('robust', 'corrupted')(seed)];
        return own === undefined || most === undefined || most <= 0 ? undefined : (100 * own) / most;
      };
      const unused = seeds.filter(
        (seed) => results.chosen(name, seed, corruption, 'rws')?.alpha === 0,
      ).length;
      const chance = chanceOf(
        study.testImages,
        over(seeds, (seed) => results.row(name, seed, corruption, 'standard')?.corrupted)?.mean,
      );
      return [
        title,
        corruption,
        clean,
        corrupted,
        over(seeds, share),
        over(seeds, gain('rws-4bit', 'corrupted')),
        over(seeds, gain('plain', 'corrupted')),
        `${verdictOf(corrupted, chance)}${costsMore ? '; costs more TA than it gives RA' : ''}${unused > 0 ? `; not applied (α 0) for ${unused} of ${seeds.length} seeds` : ''}`,
      ];
    }),
  );
  return {
    kind: 'table',
    title: 'Where a patch helps, and where it does not',
    note: 'Differences from the standard model in points, by seed. A patch helps or harms where the 95 % interval of its RA gain over seeds is on one side of 0; with one seed, where the gain is beyond what another draw of as many test images would do (1.96 standard errors of a difference). The share is of what the robust model gains.',
    head: [
      ...['architecture', 'corruption', 'TA, RWS', 'RA, RWS', 'share of the robust gain, %'],
      ...['RA, RWS 4 bits', 'RA, plain difference', 'RWS'],
    ],
    rows,
  };
}

/** 1.96 standard errors of the difference of two accuracies on so many images, in points. */
const chanceOf = (images: number, percent: number | undefined): number => {
  const p = (percent ?? 50) / 100;
  return 196 * Math.sqrt((2 * p * (1 - p)) / images);
};

function verdictOf(gain: ReturnType<typeof over>, chance: number): string {
  if (gain === null) return 'not measured';
  const { mean, low = mean - chance, high = mean + chance } = gain;
  if (low > 0) return 'helps';
  return high < 0 ? 'harms' : 'no difference that can be told';
}

/** A standard model and a signature for each corruption against as many whole models; a ratio never stands without what is compared. */
export function systemTable(architectures: readonly Architecture[], results: StudyResults): TableSection {
  const rows = architectures.flatMap(({ name, title, seeds, corruptions, variants }) =>
    variants.map((variant): Cell[] => {
      const sizes = (seed: number) => {
        const all = corruptions.map((corruption) => results.chosen(name, seed, corruption, variant.name));
        const files = meanOf(all.map((one) => one?.fileBytes));
        const model = all[0]?.modelBytes;
        if (files === undefined || model === undefined) return undefined;
        return {
          patched: model + corruptions.length * files,
          whole: (1 + corruptions.length) * model,
        };
      };
      return [
        title,
        rowNames[variant.name]!,
        over(seeds, (seed) => kilobytes(sizes(seed)?.patched)),
        over(seeds, (seed) => kilobytes(sizes(seed)?.whole)),
        over(seeds, (seed) => {
          const found = sizes(seed);
          return found === undefined ? undefined : found.whole / found.patched;
        }),
        `the standard model and ${corruptions.length} signature files, units as chosen, against 1 + ${corruptions.length} whole models in float32`,
      ];
    }),
  );
  return {
    kind: 'table',
    title: 'Sizes of a whole system',
    note: 'Bytes of signature files and of tensors of models, means over the seeds.',
    head: [
      'architecture',
      'signatures',
      'with signatures, kB',
      'with models, kB',
      'times smaller',
      'what is compared',
    ],
    rows,
  };
}

/** What was chosen on validation images, and what it takes. */
export function choicesTable(architectures: readonly Architecture[], results: StudyResults): TableSection {
  const rows = architectures.flatMap(({ name, title, seeds, corruptions, variants }) =>
    corruptions.flatMap((corruption: CorruptionName) =>
      variants.flatMap((variant) =>
        seeds.flatMap((seed): Cell[][] => {
          const chosen = results.chosen(name, seed, corruption, variant.name);
          if (chosen === undefined) return [];
          const { k, alpha, fileBytes, modelBytes, compression, configuration } = chosen;
          return [
            [
              ...[title, corruption, rowNames[variant.name]!, seed, k, alpha, fileBytes, modelBytes],
              ...[compression, configuration],
            ],
          ];
        }),
      ),
    ),
  );
  return {
    kind: 'table',
    title: 'What was chosen, and its size',
    note: 'Units first, at strength 1: the fewest that come close to the best mean of TA and RA on validation images; then the strength, by the same mean; 0 stands for no patch, where it was among those tried.',
    folded: true,
    digits: [0, 0, 0, 0, 0, 2, 0, 0, 1, 0],
    head: [
      ...['architecture', 'corruption', 'signature', 'seed', 'units', 'α', 'bytes of the file'],
      ...['bytes of the model', 'times smaller', 'what is compared'],
    ],
    rows,
  };
}
