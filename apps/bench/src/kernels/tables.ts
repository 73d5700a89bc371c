import { type EngineName, engineNames, engineTitles, ours } from './engines.ts';
import { type Cell, type GroupResult, type KernelResults, timeRatio } from './results.ts';
import { verdicts } from './targets.ts';

/** A table in words: the terminal and the Markdown file show the same. */
export interface TextTable {
  readonly title: string;
  readonly note: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A table a group, and one of the targets. */
export function tables(results: KernelResults): TextTable[] {
  return [...results.groups.map(groupTable), targetTable(results)];
}

function groupTable({ title, note, rows }: GroupResult): TextTable {
  const columns = [...new Set(rows.flatMap(({ cells }) => Object.keys(cells)))];
  const base = columns.find((column) => column === 'stock' || column === 'cpu');
  const compared = base === undefined ? [] : ours.filter((flavour) => columns.includes(flavour));
  return {
    title,
    note,
    head: ['', ...columns.map(titleOf), ...compared.map((flavour) => `${flavour}\n/ ${titleOf(base!)}`)],
    rows: rows.flatMap((row) => [
      [
        row.name,
        ...columns.map((column) => shown(row.cells[column])),
        ...compared.map((flavour) => times(timeRatio(row, base!, flavour)?.median)),
      ],
      ...(columns.some((column) => heapOf(row.cells[column]) !== '-')
        ? [['heap, MiB', ...columns.map((column) => heapOf(row.cells[column])), ...compared.map(() => '')]]
        : []),
    ]),
  };
}

function targetTable(results: KernelResults): TextTable {
  return {
    title: 'Targets',
    note: 'Geometric means over the rows; each row is the median of the ratios within its rounds.',
    head: ['target', 'wanted', 'measured', ''],
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

function heapOf(cell: Cell | undefined): string {
  if (cell === undefined || 'missing' in cell || cell.heapBytes === undefined) return '-';
  return (cell.heapBytes / 2 ** 20).toFixed(0);
}

/** Why cells are empty: each reason once, with the rows that it holds for. */
export function reasons({ groups }: KernelResults): string[] {
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
