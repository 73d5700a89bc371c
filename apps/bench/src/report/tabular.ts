import type {
  Cell,
  HeatMapSection,
  LinesSection,
  PublishedSection,
  Section,
  TableSection,
} from './section.ts';

/** The numbers of a section as one table: what its CSV file holds, and what stands below a figure. */
export interface Tabular {
  readonly head: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  readonly digits?: number | readonly number[];
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
  };
}
