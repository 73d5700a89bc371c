import { parse, View, Warn } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';

export interface Series {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

/** Colours that keep at least 3:1 contrast on white and on near-black, and differ for the colour-blind. */
const palette = ['#2f7fd1', '#d1622f', '#2f9e6e', '#9b6bd3'];

/** Lines over a shared axis, as one SVG whose text takes the page's colour. */
export function lineChart(options: {
  readonly description: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly Series[];
  readonly yDomain?: readonly [number, number];
  /** A vertical rule, e.g. at the chosen strength. */
  readonly mark?: number;
}): Promise<string> {
  const values = options.series.flatMap(({ name, points }) =>
    points.map((point) => ({ ...point, series: name })),
  );
  const line = {
    mark: { type: 'line', point: values.length < 60, strokeWidth: 2 },
    encoding: {
      x: { field: 'x', type: 'quantitative', title: options.x },
      y: {
        field: 'y',
        type: 'quantitative',
        title: options.y,
        scale: options.yDomain ? { domain: [...options.yDomain] } : { zero: false },
      },
      color: {
        field: 'series',
        type: 'nominal',
        title: null,
        sort: options.series.map(({ name }) => name),
        scale: { range: palette },
        legend: { orient: 'bottom', columns: 2 },
      },
    },
  };
  const rule = {
    data: { values: [{ x: options.mark }] },
    mark: { type: 'rule', strokeDash: [4, 4], color: 'currentColor', opacity: 0.6 },
    encoding: { x: { field: 'x', type: 'quantitative' } },
  };
  return svg(options.description, {
    width: 420,
    height: 240,
    data: { values },
    layer: options.mark === undefined ? [line] : [line, rule],
  });
}

/** One coloured cell per (row, column), with its value written in it. */
export function heatMap(options: {
  readonly description: string;
  readonly columns: readonly string[];
  readonly rows: readonly { readonly name: string; readonly values: readonly number[] }[];
}): Promise<string> {
  const values = options.rows.flatMap(({ name, values }) =>
    values.map((value, i) => ({ row: name, column: options.columns[i], value })),
  );
  const most = Math.max(...values.map(({ value }) => value));
  const x = {
    field: 'column',
    type: 'nominal',
    sort: [...options.columns],
    title: null,
    axis: { orient: 'top', labelAngle: 0 },
  };
  const y = { field: 'row', type: 'nominal', sort: options.rows.map(({ name }) => name), title: null };
  return svg(options.description, {
    width: { step: 110 },
    height: { step: 20 },
    data: { values },
    layer: [
      {
        mark: 'rect',
        encoding: {
          x,
          y,
          color: {
            field: 'value',
            type: 'quantitative',
            title: 'relative difference',
            scale: { scheme: 'viridis', domain: [0, most] },
            legend: null,
          },
        },
      },
      {
        mark: { type: 'text', fontSize: 11 },
        encoding: {
          x,
          y,
          text: { field: 'value', type: 'quantitative', format: '.3f' },
          color: { condition: { test: `datum.value > ${0.6 * most}`, value: '#111' }, value: '#fff' },
        },
      },
    ],
  });
}

async function svg(description: string, spec: object): Promise<string> {
  const text = {
    labelLimit: 260,
    labelColor: 'currentColor',
    titleColor: 'currentColor',
    labelFontSize: 12,
    titleFontSize: 12,
  };
  const axis = { ...text, domainColor: 'currentColor', tickColor: 'currentColor', gridColor: '#8884' };
  const { spec: vegaSpec } = compile({
    ...spec,
    background: 'transparent',
    config: { font: 'inherit', axis, legend: text, view: { stroke: 'transparent' } },
  } as unknown as TopLevelSpec);
  const view = new View(parse(vegaSpec), { renderer: 'none', logLevel: Warn });
  const drawing = await view.toSVG();
  view.finalize();
  const label = description.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
  return drawing.replace('<svg ', `<svg role="img" aria-label="${label}" `);
}
