import type { Cell, Interval } from './section.ts';

export const isInterval = (cell: Cell): cell is Interval => typeof cell === 'object' && cell !== null;

/** The number that a cell stands for; undefined for text and empty cells. */
function numberOf(cell: Cell): number | undefined {
  if (typeof cell === 'number') return cell;
  return isInterval(cell) ? cell.mean : undefined;
}

/** Of what may be more than a function takes as arguments; none is below zero. */
export const greatest = (values: readonly number[]): number =>
  values.reduce((most, value) => Math.max(most, value), 0);

/** A number with so many decimal places. */
export function decimal(value: number, digits: number): string {
  if (Number.isNaN(value)) return 'not a number';
  if (!Number.isFinite(value)) return value < 0 ? '−∞' : '∞';
  const text = Math.abs(value).toFixed(digits);
  // Beyond 1e21 it has an exponent, and no places to group.
  const grouped = Math.abs(value) < 1e4 || text.includes('e') ? text : thousands(text);
  return value < 0 && Number(text) !== 0 ? `−${grouped}` : grouped;
}

const thousands = (text: string) => text.replace(/\B(?<!\.\d*)(?=(\d{3})+(?!\d))/g, ',');

/** Decimal places that show the largest of some numbers to four digits, and no more than any of them has. */
export function significantPlaces(values: readonly number[]): number {
  const finite = values.filter(Number.isFinite);
  const largest = greatest(finite.map(Math.abs));
  if (largest === 0) return 0;
  const most = Math.min(12, Math.max(0, 3 - Math.floor(Math.log10(largest))));
  let places = 0;
  while (
    places < most &&
    finite.some((value) => Number(value.toFixed(places)) !== Number(value.toFixed(most)))
  )
    places++;
  return places;
}

/** A number in a sentence: four digits that count. */
export function short(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e-4 || size === 0 || !Number.isFinite(value))
    return decimal(value, significantPlaces([value]));
  return value.toExponential(2).replaceAll('-', '−');
}

/** Decimal places, of all columns or of each; or as many as count in each column. */
export type Digits = number | readonly number[] | 'significant';

/** Decimal places of each column: those that are asked for, none where all numbers are whole. */
export function placesOf(rows: readonly (readonly Cell[])[], columns: number, digits: Digits = 1): number[] {
  return Array.from({ length: columns }, (_, column) => {
    const numbers = rows.flatMap((row) => numberOf(row[column] ?? null) ?? []);
    const intervals = rows.some((row) => isInterval(row[column] ?? null));
    if (!intervals && numbers.every((value) => Number.isInteger(value))) return 0;
    if (digits === 'significant') return significantPlaces(numbers);
    return typeof digits === 'number' ? digits : (digits[column] ?? 1);
  });
}

/** A cell as people read it, e.g. `91.2 ± 0.4`. */
export function cellText(cell: Cell, places: number): string {
  if (cell === null) return '';
  if (typeof cell === 'string') return cell;
  if (typeof cell === 'number') return decimal(cell, places);
  const { mean, low, high } = cell;
  const text = decimal(mean, places);
  if (low === undefined || high === undefined || !Number.isFinite(high - low)) return text;
  const [below, above] = [mean - low, high - mean];
  return Math.abs(above - below) <= 1e-9 * Math.abs(high - low)
    ? `${text} ± ${decimal(above, places)}`
    : `${text} (${decimal(low, places)} to ${decimal(high, places)})`;
}

/** What the intervals of a table mean, and of how many values each is; nothing where it has none. */
export function intervalNote(rows: readonly (readonly Cell[])[]): string | undefined {
  const counts = new Set(rows.flatMap((row) => row.filter(isInterval).map(({ n }) => n)));
  if (counts.size === 0) return undefined;
  if (counts.size === 1 && counts.has(1)) return 'One seed: there is no interval.';
  const sorted = [...counts].sort((a, b) => a - b);
  const least = sorted[0]!;
  const most = sorted.at(-1)!;
  const seeds = least === most ? `${most} seeds` : `${least} to ${most} seeds`;
  const without = least === 1 ? ' Where only one seed is done, there is no interval.' : '';
  return `Means over ${seeds} with their 95 % intervals (Student’s t).${without}`;
}

export const duration = (seconds: number): string => {
  if (seconds < 90) return `${decimal(seconds, seconds < 10 ? 1 : 0)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

export const count = (value: number, one: string, many = `${one}s`): string =>
  `${decimal(value, 0)} ${value === 1 ? one : many}`;
