import { type Digits, decimal, significantPlaces } from './format.ts';
import type {
  Cell,
  HeatMapSection,
  LinesSection,
  Point,
  PublishedSection,
  Section,
  TableSection,
} from './section.ts';

/** The numbers of a section as one table: what its CSV file holds, and what stands below a figure. */
export interface Tabular {
  readonly head: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  readonly digits?: Digits;
}

export type NumberedSection = TableSection | PublishedSection | LinesSection | HeatMapSection;

export const isNumbered = (section: Section): section is NumberedSection =>
  section.kind !== 'text' && section.kind !== 'images';

export function tabular(section: NumberedSection): Tabular {
  if (section.kind === 'table') return section;
  if (section.kind === 'lines') return linesTable(section);
  if (section.kind === 'heat-map') {
    const { columns, rows, digits = 3 } = section;
    return {
      head: ['', ...columns],
      rows: rows.map(({ name, values }) => [name, ...columns.map((_, i) => values[i] ?? null)]),
      digits,
    };
  }
  const { rows, digits } = section;
  return {
    head: ['what', 'published', 'ours', 'difference', 'source'],
    rows: rows.map(({ what, published, ours, difference, source }) => [
      what,
      published,
      ours,
      difference,
      source,
    ]),
    ...(digits !== undefined && { digits }),
  };
}

/** One row a point; the ends of its interval where any point has one. */
function linesTable({ x, y, series }: LinesSection): Tabular {
  const banded = series.some(({ points }) => points.some(({ low, high }) => (low ?? high) !== undefined));
  return {
    head: ['series', x, y, ...(banded ? [`${y}, low`, `${y}, high`] : [])],
    rows: series.flatMap(({ name, points }) =>
      points.map((point) => [
        name,
        point.x,
        point.y,
        ...(banded ? [point.low ?? null, point.high ?? null] : []),
      ]),
    ),
    digits: 'significant',
  };
}

/** A longer table of a figure's points is thinned out. */
const mostRows = 40;

/**
 * The numbers of a section as people read them: of lines, a column for each series, every so many-th point where there are many, the last
 * always.
 */
export function shown(section: NumberedSection): Tabular & { readonly note?: string } {
  if (section.kind !== 'lines') return tabular(section);
  const { x, y, series } = section;
  const positions = [...new Set(series.flatMap(({ points }) => points.map((point) => point.x)))].sort(
    (a, b) => a - b,
  );
  const stride = Math.ceil(positions.length / mostRows);
  const kept = positions.filter((_, i) => i % stride === 0 || i === positions.length - 1);
  const decimals = significantPlaces(series.flatMap(({ points }) => points.map((point) => point.y)));
  const maps = series.map(({ points }) => new Map(points.map((point) => [point.x, point])));
  return {
    head: [x, ...series.map(({ name }) => (series.length === 1 ? y : name))],
    rows: kept.map((at) => [at, ...maps.map((points) => pointCell(points.get(at), decimals))]),
    digits: 'significant',
    ...(stride > 1 && { note: `One point in ${stride}.` }),
  };
}

function pointCell(point: Point | undefined, places: number): Cell {
  if (point === undefined) return null;
  const { y, low, high } = point;
  if (low === undefined || high === undefined) return y;
  return `${decimal(y, places)} (${decimal(low, places)} to ${decimal(high, places)})`;
}
