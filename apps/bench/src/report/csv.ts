import { isInterval } from './format.ts';
import type { Cell } from './section.ts';
import type { Tabular } from './tabular.ts';

/**
 * RFC 4180, unrounded. A column that holds intervals becomes four: mean, low, high, n. Text that a spreadsheet would take for a formula
 * gets an apostrophe in front.
 */
export function csv({ head, rows }: Tabular): string {
  const intervals = head.map((_, column) => rows.some((row) => isInterval(row[column] ?? null)));
  const names = head.flatMap((name, column) =>
    intervals[column] ? ['mean', 'low', 'high', 'n'].map((part) => `${name}, ${part}`) : [name],
  );
  const records = rows.map((row) =>
    head.flatMap((_, column) => {
      const cell = row[column] ?? null;
      return intervals[column] ? intervalFields(cell) : [cell];
    }),
  );
  return [names, ...records].map((record) => `${record.map(field).join(',')}\r\n`).join('');
}

type Field = string | number | null | undefined;

const intervalFields = (cell: Cell): Field[] =>
  isInterval(cell) ? [cell.mean, cell.low, cell.high, cell.n] : [cell, null, null, null];

function field(value: Field | Cell): string {
  if (value === null || value === undefined) return '';
  if (typeof value !== 'string') return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
