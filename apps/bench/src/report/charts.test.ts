import { expect, test } from 'vitest';
import { heatMap, lineChart } from './charts.ts';

type Rgb = readonly [number, number, number];

function rgb(color: string): Rgb {
  const hex = /^#([0-9a-f]{3}|[0-9a-f]{6})$/.exec(color)?.[1];
  if (hex === undefined) return color.match(/\d+/g)!.slice(0, 3).map(Number) as unknown as Rgb;
  const digits = hex.length === 3 ? [...hex].map((digit) => digit + digit) : hex.match(/../g)!;
  return digits.map((pair) => Number.parseInt(pair, 16)) as unknown as Rgb;
}

/** WCAG 2.2. */
function luminance(color: string): number {
  const [red, green, blue] = rgb(color).map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as unknown as Rgb;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

test('the value in every cell of a heat map has a contrast of at least 4.5, over the whole scale', async () => {
  const values = Array.from({ length: 64 }, (_, i) => i / 63);
  const svg = await heatMap({
    description: 'all colours',
    columns: ['v'],
    rows: values.map((v, i) => ({ name: `r${i}`, values: [v] })),
  });
  const grounds = [...svg.matchAll(/<path [^>]*fill="(rgb[^"]+|#[0-9a-f]+)"\/>/g)].map(([, fill]) => fill!);
  const inks = [...svg.matchAll(/<text [^>]*fill="(#[0-9a-f]+)"[^>]*>[\d.]+<\/text>/g)].map(
    ([, fill]) => fill!,
  );
  expect([grounds.length, inks.length]).toEqual([64, 64]);
  for (const [i, ink] of inks.entries()) expect(contrast(ink, grounds[i]!)).toBeGreaterThanOrEqual(4.5);
});

test('an empty cell of a heat map has neither colour nor text', async () => {
  const svg = await heatMap({
    description: '',
    columns: ['a', 'b'],
    rows: [
      { name: 'r', values: [1, null] },
      { name: 's', values: [Number.NaN] },
    ],
  });
  expect(svg.match(/>1\.000</g)).toHaveLength(1);
  expect(svg).not.toMatch(/NaN|null|undefined/);
});

test('every line of a chart has a contrast of at least 3 on white and on near-black, and a look of its own', async () => {
  const series = Array.from({ length: 16 }, (_, i) => ({
    name: `s${i}`,
    points: Array.from({ length: 50 }, (_, x) => ({ x, y: x * i })),
  }));
  const svg = await lineChart({ description: '', x: 'x', y: 'y', series });
  const lines = [
    ...svg.matchAll(
      /<path aria-hidden="true" d="M0,[^"]*" stroke="(#[0-9a-f]+)" stroke-width="2"(?: stroke-dasharray="([^"]*)")?/g,
    ),
  ];
  expect(lines).toHaveLength(16);
  for (const [, color] of lines)
    for (const ground of ['#ffffff', '#14171b']) expect(contrast(color!, ground)).toBeGreaterThanOrEqual(3);
  expect(new Set(lines.map(([, color, dash]) => `${color} ${dash}`)).size).toBe(16);
});

test('a histogram has steps, a rule at every mark, and no ticks between whole numbers', async () => {
  const points = [1, 2, 3].map((x) => ({ x, y: 10 * x }));
  const chart = { description: '', x: 'bits', y: 'y', series: [{ name: 's', points }] };
  const plain = await lineChart(chart);
  const binned = await lineChart({ ...chart, binned: true, mark: [1, 2.5] });
  const path = (svg: string) => /d="(M0,[^"]*)" stroke="#/.exec(svg)![1]!;
  expect(path(plain).match(/L/g)).toHaveLength(2);
  expect(path(binned).match(/L/g)!.length).toBeGreaterThan(4);
  expect(
    binned.match(
      /stroke="currentColor"[^>]*stroke-dasharray="4,4"|stroke-dasharray="4,4"[^>]*stroke="currentColor"/g,
    ),
  ).toHaveLength(2);
  expect(plain).not.toMatch(/>1\.5</);
});

test('a heat map of one narrow column has room for its legend', async () => {
  const rows = [{ name: 'r', values: [1] }];
  const svg = await heatMap({
    description: '',
    value: 'a quantity with a long name, %',
    columns: ['v'],
    rows,
  });
  expect(Number(/ width="([\d.]+)"/.exec(svg)![1])).toBeGreaterThan(250);
});
