import Table from 'cli-table3';

/** Control characters, ends of lines and changes of direction as escapes: what stands in a file cannot steer a terminal. */
export const oneLine = (text: string): string =>
  text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, (character) => {
    const hex = character.codePointAt(0)!.toString(16);
    return hex.length <= 2 ? `\\x${hex.padStart(2, '0')}` : `\\u${hex.padStart(4, '0')}`;
  });

/** The same, line by line. */
export const printable = (text: string): string => text.split('\n').map(oneLine).join('\n');

/** Rows under headings, columns padded, no colours: the same in a terminal and in a pipe. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const drawn = new Table({ head: [...head], style: { head: [], border: [] } });
  for (const row of rows) drawn.push(row.map((cell) => oneLine(String(cell))));
  return drawn.toString();
}

export const count = (value: number): string => value.toLocaleString('en-US');

export function bytes(value: number): string {
  const units = ['B', 'KB', 'MB', 'GB'];
  const power = value < 1000 ? 0 : Math.min(3, Math.floor(Math.log10(value) / 3));
  return power === 0 ? `${value} B` : `${(value / 1000 ** power).toFixed(2)} ${units[power]}`;
}
