import type { Cell, HeatMapSection, LinesSection, Point, Section, TableSection } from '../report/section.ts';
import { type Architecture, storages } from './architectures.ts';
import { meanOf, middle, over, type StudyResults } from './results.ts';
import type { Study } from './settings.ts';

type Swept = NonNullable<ReturnType<StudyResults['swept']>>;

/** Accuracies over strengths and over units, one line a corruption. */
export function sweepFigures(
  study: Study,
  { name, title, seeds, corruptions }: Architecture,
  results: StudyResults,
): LinesSection[] {
  const lines = (
    look: 'clean' | 'corrupted',
    rows: (swept: Swept) => readonly { x: number; clean: number; corrupted: number }[],
  ) =>
    corruptions.map((corruption) => {
      const all = seeds.flatMap((seed) => {
        const swept = results.swept(name, seed, corruption);
        return swept === undefined ? [] : [rows(swept)];
      });
      const points = (all[0] ?? []).map(({ x }): Point => {
        const mean = over(all, (one) => 100 * one.find((row) => row.x === x)![look]);
        const { mean: y, low, high } = mean!;
        return { x, y, ...(low !== undefined && high !== undefined && { low, high }) };
      });
      return { name: corruption, points };
    });
  const byAlpha = ({ alphas }: Swept) => alphas.map(({ alpha: x, ...rest }) => ({ x, ...rest }));
  const byUnits = ({ units }: Swept) => units.map(({ k: x, ...rest }) => ({ x, ...rest }));
  const images = `${study.sweepImages.toLocaleString('en-US')} test images, means over ${seeds.length} ${seeds.length === 1 ? 'seed' : 'seeds'}`;
  const figure = (
    look: 'clean' | 'corrupted',
    x: string,
    rows: Parameters<typeof lines>[1],
    what: string,
  ): LinesSection => ({
    kind: 'lines',
    title: `${title}: ${look === 'clean' ? 'TA' : 'RA'} over ${what}`,
    note: `RWS in float32 on ${images}. ${what === 'strength' ? 'Units as chosen on validation images; at 0 it is the standard model.' : 'Strength 1; with 0 units it is the standard model.'}`,
    x,
    y: `${look} accuracy, %`,
    series: lines(look, rows),
  });
  return [
    figure('corrupted', 'strength α', byAlpha, 'strength'),
    figure('clean', 'strength α', byAlpha, 'strength'),
    figure('corrupted', 'units k', byUnits, 'units'),
    figure('clean', 'units k', byUnits, 'units'),
  ];
}

/** What fewer bits, signs, fewer values and lower ranks cost. */
export function storageTable(
  study: Study,
  architectures: readonly Architecture[],
  results: StudyResults,
): TableSection {
  type Stored = Swept['storages'][number];
  const rows = architectures.flatMap(({ name, title, seeds, corruptions }) => {
    const shown = corruptions.filter((corruption) => study.fewCorruptions.includes(corruption));
    return storages.map(({ name: storage }): Cell[] => {
      const mean = (value: (stored: Stored, whole: Stored) => number) => (seed: number) =>
        meanOf(
          shown.map((corruption) => {
            const all = results.swept(name, seed, corruption)?.storages;
            const stored = all?.find((one) => one.name === storage);
            return stored && value(stored, all![0]!);
          }),
        );
      const change = (look: 'clean' | 'corrupted') => mean((own, whole) => 100 * (own[look] - whole[look]));
      return [
        title,
        storage,
        over(
          seeds,
          mean(({ error }) => error),
        ),
        over(
          seeds,
          mean(({ fileBytes }) => fileBytes / 1000),
        ),
        over(seeds, change('clean')),
        over(seeds, change('corrupted')),
      ];
    });
  });
  return {
    kind: 'table',
    title: 'Ways to store a signature',
    note: `Units and strength as chosen for float32 (strength 1 where 0 was chosen), ${study.sweepImages.toLocaleString('en-US')} test images, means over ${study.fewCorruptions.join(', ')}; ± is over seeds. Changes of accuracy in points against float32; the error is ‖stored − RWS‖ / ‖RWS‖ of the tensors of two and more dimensions. Tensors of batch normalisations are always float32, biases are with signs, and vectors are neither sparse nor of low rank.`,
    digits: [0, 0, 3, 1, 2, 2],
    head: ['architecture', 'stored as', 'error', 'file, kB', 'TA − float32', 'RA − float32'],
    rows,
  };
}

/** Cosines of signatures, with and without projection, and where weights changed. */
export function geometryFigures(
  { name, title, seeds, corruptions }: Architecture,
  results: StudyResults,
): Section[] {
  const found = seeds.flatMap((seed) => results.geometry(name, seed) ?? []);
  const [first] = found;
  if (first === undefined) return [];
  const cosines = (projection: 'orthogonal' | 'none'): HeatMapSection => ({
    kind: 'heat-map',
    title: `${title}: cosines of signatures, ${projection === 'orthogonal' ? 'with projection' : 'plain differences'}`,
    note: `Of the first ${first.k} units, in float32, means over the seeds. Near 0: each corruption has a signature of its own.`,
    value: 'cosine',
    columns: [...corruptions],
    rows: corruptions.map((corruption, i) => ({
      name: corruption,
      values: corruptions.map((_, j) => middle(over(found, ({ cosines }) => cosines[projection][i]?.[j]))),
    })),
  });
  const differences: HeatMapSection = {
    kind: 'heat-map',
    title: `${title}: where weights changed`,
    note: '‖robust − standard‖ / ‖standard‖ of every tensor in the units, first layers on top; means over the seeds.',
    value: 'relative difference',
    columns: [...corruptions],
    rows: first.differences
      .map((row, i) => ({
        name: row.name,
        values: row.values.map((_, j) => middle(over(found, (one) => one.differences[i]?.values[j]))),
      }))
      .filter(({ name }) => /weight$|_embed$|_token$/.test(name)),
  };
  return [...(corruptions.length > 1 ? [cosines('orthogonal'), cosines('none')] : []), differences];
}
