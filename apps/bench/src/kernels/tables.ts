import type { TableSection } from '../report/section.ts';
import { type EngineName, engineNames, engineTitles, ours } from './engine-names.ts';
import { type Cell, type GroupResult, type Measured, timeRatio } from './results.ts';
import { verdicts } from './targets.ts';

/** A table in words: numbers stand there with their spread. */
export interface TextTable extends TableSection {
  readonly note: string;
  readonly rows: readonly (readonly string[])[];
}

/** A line for each engine: what ran under its name, or why it did not. */
export function engineLines({ engines }: Measured): string[] {
  return engineNames.flatMap((name) =>
    engines[name] === undefined ? [] : [`${engineTitles[name]}: ${engines[name]}`],
  );
}

export function groupTable({ title, note, columns, rows }: GroupResult): TextTable {
  const base = columns.find((column) => column === 'stock' || column === 'cpu');
  const compared = base === undefined ? [] : ours.filter((flavour) => columns.includes(flavour));
  return {
    kind: 'table',
    title,
    note,
    head: ['', ...columns.map(titleOf), ...compared.map((flavour) => `${flavour} / ${titleOf(base!)}`)],
    rows: rows.flatMap((row) => [
      [
        row.name,
        ...columns.map((column) => shown(row.cells[column])),
        ...compared.map((flavour) => times(timeRatio(row, base!, flavour)?.median)),
      ],
      ...(['heap', 'peak'] as const).flatMap((memory) => {
        const shownBytes = columns.map((column) => mebibytes(row.cells[column], memory));
        const title = memory === 'heap' ? 'heap, MiB' : 'tensors at the peak, MiB';
        return shownBytes.some((bytes) => bytes !== '-')
          ? [[title, ...shownBytes, ...compared.map(() => '')]]
          : [];
      }),
    ]),
  };
}

export function targetTable(results: Measured): TextTable {
  return {
    kind: 'table',
    title: 'Targets',
    note: 'Geometric means over the rows; each row is the median of the ratios within its rounds.',
    head: ['target', 'wanted', 'measured', 'verdict'],
    rows: verdicts(results).map(({ target, wanted, shown, reached }) => [
      target,
      wanted,
      shown,
      reached === undefined ? '-' : reached ? 'reached' : 'not reached',
    ]),
  };
}

const isEngine = (column: string): column is EngineName => engineNames.some((name) => name === column);
const titleOf = (column: string): string => (isEngine(column) ? engineTitles[column] : column);
const times = (ratio: number | undefined): string =>
  ratio === undefined ? '-' : `${ratio.toFixed(ratio < 10 ? 2 : 1)}x`;

/** The median, and half the distance between the quartiles in per cent of it. */
function shown(cell: Cell | undefined): string {
  if (cell === undefined || 'missing' in cell) return '-';
  const { median, q1, q3 } = cell.seconds;
  const value = cell.flop === undefined ? 1000 * median : cell.flop / median / 1e9;
  const around = (50 * (q3 - q1)) / median;
  return `${value.toFixed(value < 10 ? 2 : 1)} ±${around.toFixed(0)}%`;
}

function mebibytes(cell: Cell | undefined, memory: 'heap' | 'peak'): string {
  const bytes = cell === undefined || 'missing' in cell ? undefined : cell[`${memory}Bytes`];
  return bytes === undefined ? '-' : (bytes / 2 ** 20).toFixed(memory === 'heap' ? 0 : 1);
}

/** Why cells are empty: each reason once, with the rows that it holds for. */
export function reasons({ groups }: Measured): string[] {
  const found = new Map<string, Set<string>>();
  for (const group of groups) {
    for (const { name, cells } of group.rows) {
      for (const [column, cell] of Object.entries(cells)) {
        if (!('missing' in cell)) continue;
        const reason = `${titleOf(column)}: ${cell.missing}`;
        const places = found.get(reason) ?? new Set();
        found.set(reason, places.add(`${group.name}: ${name}`));
      }
    }
  }
  return [...found].map(([reason, places]) =>
    places.size === 1 ? `${reason} (${[...places][0]})` : `${reason} (${places.size} rows)`,
  );
}
