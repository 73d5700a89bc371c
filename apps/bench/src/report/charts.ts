import { None, parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import { greatest } from './format.ts';
import { escapeMarkup } from './markup.ts';
import type { HeatMapSection, LinesSection } from './section.ts';

interface Described {
  /** What someone hears who does not see the chart. */
  readonly description: string;
}

/** Colours that keep at least 3:1 contrast on white and on near-black, and differ for the colour-blind. */
const palette = ['#2f7fd1', '#d1622f', '#2f9e6e', '#9b6bd3', '#b8860b', '#c9508f', '#5f8a8b', '#8c7a6b'];
/** One fewer than colours: a line that has the colour of another has another dash. */
const dashes = [[], [7, 3], [2, 2], [8, 2, 2, 2], [4, 4], [12, 3], [1, 3]];

const fontSize = 14;
/** Of a wide system font, at that size. */
const characterWidth = 8.4;

/** Of a heat map's legend. */
const gradientLength = 200;

/** More points than this on a line are not drawn one by one. */
const mostMarkers = 40;

/** Lines over a shared axis, as one SVG whose text takes the page's colour. Points that are not finite are left out. */
export function lineChart(
  options: Pick<LinesSection, 'x' | 'y' | 'series' | 'yDomain' | 'mark' | 'binned'> & Described,
): Promise<string> {
  const names = options.series.map(({ name }) => name);
  const values = options.series.flatMap(({ name, points }) =>
    points
      .filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y))
      .map((point) => ({ ...point, series: name })),
  );
  const banded = values.filter(({ low, high }) => Number.isFinite(low) && Number.isFinite(high));
  const binned = options.binned === true;
  const markers = !binned && options.series.every(({ points }) => points.length <= mostMarkers);
  const x = {
    field: 'x',
    type: 'quantitative',
    title: options.x,
    scale: { zero: false, nice: false },
    // No ticks between steps, or bits.
    ...(values.every((point) => Number.isInteger(point.x)) && { axis: { tickMinStep: 1, format: ',d' } }),
  };
  const y = {
    type: 'quantitative',
    title: options.y,
    scale: options.yDomain ? { domain: [...options.yDomain] } : { zero: false },
  };
  const legend = {
    orient: 'bottom',
    columns: names.length > 2 ? 2 : 1,
    symbolSize: 90,
    symbolStrokeWidth: 2,
  };
  const bySeries = (range: unknown) => ({
    field: 'series',
    type: 'nominal',
    title: null,
    sort: names,
    scale: { domain: names, range },
    legend: names.length > 1 ? legend : null,
  });
  const color = bySeries(palette);
  const ends = { x, y: { ...y, field: 'low' }, y2: { field: 'high' } };
  const layer: object[] = [];
  // Of one colour each and not by the scale of colours: the legend shows lines.
  for (const [i, name] of names.entries()) {
    const data = { values: banded.filter((point) => point.series === name) };
    if (data.values.length === 0) continue;
    const color = palette[i % palette.length];
    layer.push({ data, mark: { type: 'area', color, opacity: 0.15 }, encoding: ends });
    if (markers) layer.push({ data, mark: { type: 'rule', color, opacity: 0.6 }, encoding: ends });
  }
  layer.push({
    mark: { type: 'line', strokeWidth: binned ? 1.5 : 2, ...(binned && { interpolate: 'step' }) },
    encoding: {
      x,
      y: { ...y, field: 'y' },
      color,
      ...(!markers && { strokeDash: bySeries(dashes) }),
    },
  });
  if (markers) {
    const shapes = ['circle', 'square', 'triangle-up', 'diamond', 'cross', 'triangle-down'];
    layer.push({
      mark: { type: 'point', filled: true, size: 44 },
      encoding: { x, y: { ...y, field: 'y' }, color, shape: bySeries(shapes) },
    });
  }
  const marks = [options.mark ?? []].flat();
  if (marks.length > 0) {
    layer.push({
      data: { values: marks.map((x) => ({ x })) },
      mark: { type: 'rule', strokeDash: [4, 4], color: 'currentColor', opacity: 0.7 },
      encoding: { x },
    });
  }
  return svg(options.description, { width: 380, height: 230, data: { values }, layer });
}

/** One coloured cell per (row, column), with its value written in it; what has no finite value stays empty. */
export function heatMap(
  options: Pick<HeatMapSection, 'columns' | 'rows' | 'digits'> & { readonly value?: string } & Described,
): Promise<string> {
  const values = options.rows.flatMap(({ name, values }) =>
    values.flatMap((value, i) =>
      value !== null && Number.isFinite(value) ? [{ row: name, column: options.columns[i], value }] : [],
    ),
  );
  const rows = options.rows.map(({ name }) => name);
  const longest = (names: readonly string[]) => characterWidth * greatest(names.map(({ length }) => length));
  const slanted = longest(options.columns) > 130;
  const step = slanted ? 64 : Math.max(64, 14 + longest(options.columns));
  const width = step * options.columns.length;
  // The legend below may be wider.
  const legendWidth = Math.max(gradientLength, characterWidth * (options.value ?? '').length);
  const x = {
    field: 'column',
    type: 'nominal',
    scale: { domain: [...options.columns] },
    title: null,
    axis: {
      orient: 'top',
      labelAngle: slanted ? -45 : 0,
      labelLimit: 0,
      ...(slanted && { labelAlign: 'left' }),
      domain: false,
      ticks: false,
      labelPadding: 6,
    },
  };
  const y = {
    field: 'row',
    type: 'nominal',
    scale: { domain: rows },
    title: null,
    axis: {
      domain: false,
      ticks: false,
      labelPadding: 6,
      labelLimit: 0,
    },
  };
  return svg(options.description, {
    width,
    height: 28 * rows.length,
    // Vega cannot measure text here, takes it to be a third wider than it is, and would leave that much room.
    autosize: 'none',
    padding: {
      left: 10 + longest(rows),
      top: slanted ? 16 + 0.7 * longest(options.columns) : 26,
      right: Math.max(slanted ? 0.7 * longest(options.columns) : 10, legendWidth + 10 - width),
      bottom: 72,
    },
    data: { values },
    layer: [
      {
        mark: { type: 'rect' },
        encoding: {
          x,
          y,
          color: {
            field: 'value',
            type: 'quantitative',
            title: options.value ?? null,
            scale: { scheme: 'viridis', zero: false, nice: false },
            legend: {
              orient: 'bottom',
              direction: 'horizontal',
              gradientLength,
              titleLimit: 400,
              titlePadding: 6,
            },
          },
        },
      },
      {
        mark: { type: 'text', fontSize: 13 },
        encoding: {
          x,
          y,
          text: { field: 'value', type: 'quantitative', format: `.${options.digits ?? 3}f` },
          // The better of black and white has a contrast of at least 4.5 on any colour.
          color: {
            condition: { test: "luminance(scale('color', datum.value)) > 0.179", value: '#000' },
            value: '#fff',
          },
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
    labelFontSize: fontSize,
    titleFontSize: fontSize,
    titleFontWeight: 'normal',
  };
  const axis = {
    ...text,
    domainColor: 'currentColor',
    domainOpacity: 0.5,
    tickColor: 'currentColor',
    tickOpacity: 0.5,
    gridColor: '#8883',
    titlePadding: 10,
  };
  const { spec: vegaSpec } = compile({
    ...spec,
    background: 'transparent',
    // The drawing is one image with one description; its parts say nothing by themselves.
    config: {
      aria: false,
      mark: { aria: false },
      font: 'inherit',
      axis,
      legend: text,
      view: { stroke: 'transparent' },
    },
  } as unknown as TopLevelSpec);
  const view = new View(parse(vegaSpec), { renderer: 'none', logLevel: None });
  const drawing = await view.toSVG();
  view.finalize();
  return renumbered(drawing).replace(
    '<svg ',
    () => `<svg role="img" aria-label="${escapeMarkup(description)}" `,
  );
}

/** Vega counts the ids of gradients through all that a process draws; the same chart should be the same bytes. */
function renumbered(svg: string): string {
  const numbers = new Map<string, number>();
  const number = (id: string) => {
    if (!numbers.has(id)) numbers.set(id, numbers.size + 1);
    return `part-${numbers.get(id)}`;
  };
  return withIds(svg, number);
}

/** The drawing with other ids. Text that looks like one stays. */
export const withIds = (svg: string, rename: (id: string) => string): string =>
  svg.replaceAll(/<[^>]*>/g, (tag) =>
    tag
      .replaceAll(/ id="([^"]*)"/g, (_, id: string) => ` id="${rename(id)}"`)
      .replaceAll(/url\(#([^)]*)\)/g, (_, id: string) => `url(#${rename(id)})`),
  );
