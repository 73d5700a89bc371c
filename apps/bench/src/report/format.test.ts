import { expect, test } from 'vitest';
import { cellText, decimal, duration, intervalNote, placesOf, short } from './format.ts';

test('numbers have the places asked for, and large ones commas', () => {
  expect(decimal(1234.56, 1)).toBe('1234.6');
  expect(decimal(1234567.891, 2)).toBe('1,234,567.89');
  expect(decimal(-0.04, 1)).toBe('0.0');
  expect(decimal(-12.34, 1)).toBe('−12.3');
  expect(decimal(1e300, 1)).toBe('1e+300');
});

test('there can be more numbers than a function takes arguments', () => {
  const many = Array.from({ length: 300_000 }, (_, i) => [i / 4]);
  expect(placesOf(many, 1, 'significant')).toEqual([0]);
});

test('what is no finite number is said in words', () => {
  expect([Number.NaN, 1 / 0, -1 / 0].map((value) => decimal(value, 1))).toEqual(['not a number', '∞', '−∞']);
  expect(cellText({ mean: Number.NaN, low: Number.NaN, high: Number.NaN, n: 3 }, 1)).toBe('not a number');
});

test('a number in a sentence has four digits that count', () => {
  expect([0, 3, 0.25, 2 / 3, 1234.567, 1.5e-7].map(short)).toEqual([
    '0',
    '3',
    '0.25',
    '0.6667',
    '1235',
    '1.50e−7',
  ]);
});

test('an interval is a ± where it is symmetrical, and its two ends where it is not', () => {
  expect(cellText({ mean: 91.24, low: 90.84, high: 91.64, n: 3 }, 1)).toBe('91.2 ± 0.4');
  expect(cellText({ mean: 2, low: 1.5, high: 3, n: 9 }, 1)).toBe('2.0 (1.5 to 3.0)');
  expect(cellText({ mean: 91.24, n: 1 }, 1)).toBe('91.2');
});

test('columns of whole numbers show no places; others what is asked for, or as many as count', () => {
  const rows = [
    [1, 0.25, 1000],
    [2, 1.5, { mean: 3, n: 1 }],
    [null, null, null],
  ];
  expect(placesOf(rows, 3)).toEqual([0, 1, 1]);
  expect(placesOf(rows, 3, [2, 3, 0])).toEqual([0, 3, 0]);
  expect(placesOf(rows, 3, 'significant')).toEqual([0, 2, 0]);
});

test('a table says over how many seeds its intervals are, and where there are none', () => {
  const one = { mean: 1, n: 1 };
  const three = { mean: 1, low: 0, high: 2, n: 3 };
  expect(intervalNote([['a', 1]])).toBeUndefined();
  expect(intervalNote([[one]])).toMatch(/no interval/);
  expect(intervalNote([[three]])).toMatch(/3 seeds .*95 %/);
  expect(intervalNote([[one, three]])).toMatch(/1 to 3 seeds .*only one seed/);
});

test('durations are in the unit that people would use', () => {
  expect([4.26, 41.5, 600, 7500].map(duration)).toEqual(['4.3 s', '42 s', '10 min', '2 h 5 min']);
});
