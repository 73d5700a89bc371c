import type { Cell, HeatMapSection, Section, TableSection } from '../report/section.ts';
import type { Architecture } from './architectures.ts';
import { middle, over, type StudyResults } from './results.ts';
import type { Study } from './settings.ts';

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Several patches at once. */
export function compositionTable(
  study: Study,
  architectures: readonly Architecture[],
  results: StudyResults,
): TableSection {
  const rows = architectures.flatMap(({ name, title, seeds, corruptions }) => {
    const found = seeds.flatMap((seed) => results.composed(name, seed)?.result ?? []);
    const counts = [...new Set(found.flatMap(({ composed }) => composed.map(({ count }) => count)))];
    return counts.flatMap((count): Cell[][] => {
      const row = (
        label: string,
        measured: (one: (typeof found)[number]) => {
          readonly clean: number;
          readonly corrupted: readonly number[];
          readonly factor?: number;
        },
      ): Cell[] => [
        title,
        corruptions.slice(0, count).join(', '),
        label,
        over(found, (one) => measured(one).factor),
        over(found, (one) => 100 * measured(one).clean),
        over(found, (one) => 100 * mean(measured(one).corrupted.slice(0, count))),
        over(found, (one) => 100 * Math.min(...measured(one).corrupted.slice(0, count))),
      ];
      return [
        row('standard', ({ standard }) => standard),
        ...study.rules.map((rule) =>
          row(
            `patches, ${rule}`,
            ({ composed }) => composed.find((one) => one.count === count && one.rule === rule)!,
          ),
        ),
        row('data augmentation on all corruptions', ({ augmented }) => augmented),
      ];
    });
  });
  return {
    kind: 'table',
    title: 'Several patches at once',
    note: `RA is the mean over the corruptions that are patched, and the least of them, on ${study.sweepImages.toLocaleString('en-US')} test images. All strengths are multiplied by one factor, chosen on validation images from ${study.factors.join(', ')}; the mean divides by the number of patches besides. TIES and DARE keep half of the values.`,
    digits: [0, 0, 0, 2, 1, 1, 1],
    head: ['architecture', 'corruptions', 'model', 'factor', 'TA, %', 'RA, mean, %', 'RA, least, %'],
    rows,
  };
}

/** Where patches pull against each other. */
export function conflictTable(architectures: readonly Architecture[], results: StudyResults): TableSection {
  return {
    kind: 'table',
    title: 'Conflicts between patches',
    note: 'Of every two patches at the strengths that were chosen, over the tensors that both change: their cosine, and the share of values that both move in opposite directions (half of them, where signs are unrelated). Patches of strength 0 have no direction.',
    folded: true,
    digits: 3,
    head: ['architecture', 'first', 'second', 'cosine', 'opposite signs'],
    rows: architectures.flatMap(({ name, title, seeds, corruptions }) => {
      const found = seeds.flatMap((seed) => results.composed(name, seed)?.result ?? []);
      return corruptions.flatMap((first, i) =>
        corruptions.slice(i + 1).map((second): Cell[] => {
          const pair = ({ conflicts }: (typeof found)[number]) =>
            conflicts.find(
              (one) =>
                (one.first === first && one.second === second) ||
                (one.first === second && one.second === first),
            );
          return [
            ...[title, first, second],
            over(found, (one) => pair(one)?.cosine),
            over(found, (one) => pair(one)?.signConflicts),
          ];
        }),
      );
    }),
  };
}

/** Signatures on models of other images. */
export function carriedSections(study: Study, results: StudyResults): Section[] {
  const cases = [
    {
      name: 'transfer',
      title: `Transfer to ${study.transferData[0]}`,
      what: 'a model of these images, trained from the same start',
      seeds: study.transferSeeds,
    },
    {
      name: 'adaptation, step 1',
      title: `Adaptation, step 1: the standard model trained on with ${study.transferData[0]}`,
      what: 'the standard model after it was trained on with these images and a new head',
      seeds: study.adaptationSeeds,
    },
    {
      name: 'adaptation, step 2',
      title: `Adaptation, step 2: trained on with ${study.data[0]} again`,
      what: 'the model of step 1 after it was trained on with these images and a new head',
      seeds: study.adaptationSeeds,
    },
  ];
  return cases.flatMap(({ name, title, what, seeds }): Section[] => {
    const found = seeds.flatMap((seed) => results.carried(name, seed) ?? []);
    const [first] = found;
    if (first === undefined) return [];
    const looks = [
      ['standard', 'standard'],
      ['carried', 'RWS of the first model, as it was'],
      ['rechosen', 'RWS of the first model, strength chosen anew'],
      ['plain', 'plain difference of the first model, strength chosen anew'],
      ['own', 'RWS extracted from this model’s own robust one'],
      ['robust', 'robust'],
    ] as const;
    const rows = first.corruptions.flatMap(({ corruption }, i) =>
      looks.map(([look, label]): Cell[] => [
        corruption,
        label,
        over(found, (one) => 100 * one.corruptions[i]![look].clean),
        over(found, (one) => 100 * one.corruptions[i]![look].corrupted),
        look === 'rechosen' || look === 'plain'
          ? over(found, (one) => one.corruptions[i]![look].alpha)
          : null,
        look === 'carried' ? over(found, (one) => one.corruptions[i]!.distance) : null,
        look === 'carried' ? over(found, (one) => one.corruptions[i]!.alongOwn) : null,
      ]),
    );
    const table: TableSection = {
      kind: 'table',
      title,
      note: `Signatures of the first model on ${what}, without extracting anew; ${study.sweepImages.toLocaleString('en-US')} test images. The distance is ‖model − first model‖ / ‖first model‖ over the patched tensors; along: the cosine of the patch and of what the model has learned since the start.`,
      digits: [0, 0, 1, 1, 2, 2, 2],
      head: ['corruption', 'model', 'TA, %', 'RA, %', 'α', 'distance', 'along'],
      rows,
    };
    const matrix: HeatMapSection = {
      kind: 'heat-map',
      title: `${title}: gains under every corruption`,
      note: 'RA with a signature as it was carried, minus RA without, in points: rows are signatures, columns what images look like.',
      value: 'points',
      digits: 1,
      columns: first.corruptions.map(({ corruption }) => corruption),
      rows: first.corruptions.map(({ corruption }, i) => ({
        name: corruption,
        values: first.corruptions.map((_, j) =>
          middle(over(found, (one) => 100 * (one.matrix[i]![j]! - one.without[j]!))),
        ),
      })),
    };
    return first.corruptions.length > 1 ? [table, matrix] : [table];
  });
}

/** What taking signatures off gives back. */
export function removalTable(results: StudyResults): TableSection {
  const removals = results.removals();
  const exact = removals.every(({ result }) => result.exact);
  return {
    kind: 'table',
    title: exact ? 'Taken off again, every bit is back' : 'Removal did not restore the model',
    note: 'The model with all patches was saved, opened with nothing else at hand, and its patches were taken off in several orders; where one alone was taken off, the rest is compared with the standard model patched with the others.',
    from: removals,
    head: ['model', 'orders tried', 'taken off singly', 'equal', 'SHA-256 before', 'SHA-256 after'],
    rows: removals.map(({ label, seed, result }): Cell[] => [
      `${label.split(':')[0]}, seed ${seed}`,
      result.after.length,
      result.partial.length,
      result.exact ? '✓ all' : '✗ not all',
      result.before,
      result.after[0]?.sha256 ?? '',
    ]),
  };
}
