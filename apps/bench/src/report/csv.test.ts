import { expect, test } from 'vitest';
import { csv } from './csv.ts';

/** Reads RFC 4180 strictly: what follows a quoted field must be a comma or the end of the record. */
function parsed(text: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  for (const [, quoted, bare, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy)) {
    record.push(quoted === undefined ? bare! : quoted.replaceAll('""', '"'));
    if (end === ',') continue;
    records.push(record);
    record = [];
  }
  return records;
}

test('every field comes back, whatever stands in it', () => {
  const texts = ['a,b', 'say "no"', 'two\r\nlines', 'pipe | and \ttab', ' spaces ', 'grüße 𝔘 漢字', '', "'"];
  const rows = texts.map((text, i) => [text, i]);
  expect(parsed(csv({ head: ['te,xt', 'n'], rows }))).toEqual([
    ['te,xt', 'n'],
    ...rows.map(([text, i]) => [text, String(i)]),
  ]);
});

test('an interval is four columns, and so is a lone value beside it; numbers are not rounded', () => {
  const rows = [
    ['fog', { mean: 2 / 3, low: 0.5, high: 0.8, n: 3 }],
    ['noise', { mean: 1, n: 1 }],
    ['blur', 5],
    ['snow', null],
  ];
  expect(csv({ head: ['what', 'acc'], rows })).toBe(
    [
      'what,"acc, mean","acc, low","acc, high","acc, n"',
      'fog,0.6666666666666666,0.5,0.8,3',
      'noise,1,,,1',
      'blur,5,,,',
      'snow,,,,',
      '',
    ].join('\r\n'),
  );
});

test('text is no formula to a spreadsheet; a negative number stays a number', () => {
  const texts = ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1'];
  const fields = parsed(csv({ head: ['=x'], rows: texts.map((text) => [text]) })).flat();
  expect(fields).toEqual(['=x', ...texts].map((text) => `'${text}`));
  expect(csv({ head: ['x'], rows: [[-1.5]] })).toBe('x\r\n-1.5\r\n');
});

test('what is no finite number keeps its name, and a short row is filled up', () => {
  expect(csv({ head: ['x', 'y'], rows: [[Number.NaN, 1 / 0], [-1 / 0]] })).toBe(
    'x,y\r\nNaN,Infinity\r\n-Infinity,\r\n',
  );
});
