import { count, short } from './format.ts';
import type { HeatMapSection, LinesSection, Point } from './section.ts';

/** A series of so few points is read out whole; of a longer one, where it begins, ends, and is lowest and highest. */
const readOut = 12;

/** What a figure shows, in words: its text alternative. */
export function describe(section: LinesSection | HeatMapSection): string {
  return section.kind === 'lines' ? describeLines(section) : describeHeatMap(section);
}

function describeLines({ title, x, y, series, mark }: LinesSection): string {
  const lines = series.map(({ name, points }) => `${name}: ${describePoints(points)}.`);
  const at = [mark ?? []].flat().map(short);
  const rules =
    at.length === 0 ? [] : [`${at.length > 1 ? 'Vertical rules' : 'A vertical rule'} at ${at.join(', ')}.`];
  return [`${title}: ${y} over ${x}.`, ...lines, ...rules].join(' ');
}

function describePoints(points: readonly Point[]): string {
  const finite = points.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y));
  if (finite.length === 0) return 'no points';
  if (finite.length <= readOut) return finite.map(spoken).join('; ');
  const lowest = finite.reduce((a, b) => (b.y < a.y ? b : a));
  const highest = finite.reduce((a, b) => (b.y > a.y ? b : a));
  return [
    count(finite.length, 'point'),
    `first ${spoken(finite[0]!)}`,
    `last ${spoken(finite.at(-1)!)}`,
    `lowest ${spoken(lowest)}`,
    `highest ${spoken(highest)}`,
  ].join('; ');
}

const spoken = ({ x, y, low, high }: Point): string =>
  `${short(y)}${low === undefined || high === undefined ? '' : ` (${short(low)} to ${short(high)})`} at ${short(x)}`;

function describeHeatMap({ title, value, columns, rows }: HeatMapSection): string {
  const cells = rows.flatMap(({ name, values }) =>
    values.flatMap((cell, i) =>
      cell !== null && Number.isFinite(cell) ? [{ name: `${name}, ${columns[i]}`, cell }] : [],
    ),
  );
  const size = `${title}: ${value} in ${count(rows.length, 'row')} and ${count(columns.length, 'column')} (${columns.join(', ')}).`;
  if (cells.length === 0) return `${size} All cells are empty.`;
  const empty = rows.length * columns.length - cells.length;
  const lowest = cells.reduce((a, b) => (b.cell < a.cell ? b : a));
  const highest = cells.reduce((a, b) => (b.cell > a.cell ? b : a));
  const extremes = `Lowest ${short(lowest.cell)} (${lowest.name}), highest ${short(highest.cell)} (${highest.name}).`;
  const means = rows
    .map(({ name, values }) => ({
      name,
      known: values.filter((cell) => cell !== null).filter(Number.isFinite),
    }))
    .filter(({ known }) => known.length > 0)
    .slice(0, 2 * readOut)
    .map(({ name, known }) => `${name} ${short(known.reduce((a, b) => a + b, 0) / known.length)}`);
  const missing = empty === 0 ? '' : ` ${count(empty, 'cell is', 'cells are')} empty.`;
  return `${size} ${extremes} Means of rows: ${means.join('; ')}.${missing}`;
}
