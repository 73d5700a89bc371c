import { heatMap, lineChart } from './charts.ts';
import { describe } from './describe.ts';
import type { Report } from './report.ts';

/** Of a section, by its index: the drawing and what it shows in words. */
export interface Figure {
  readonly svg: string;
  readonly alternative: string;
}

/** The drawings of a report; sections that have nothing to draw are left out. */
export async function figuresOf({ sections }: Report): Promise<Map<number, Figure>> {
  const figures = new Map<number, Figure>();
  for (const [index, section] of sections.entries()) {
    if (section.kind === 'lines') {
      const points = section.series.flatMap((series) => series.points);
      if (!points.some(({ x, y }) => Number.isFinite(x) && Number.isFinite(y))) continue;
      const alternative = describe(section);
      figures.set(index, { svg: await lineChart({ ...section, description: alternative }), alternative });
    } else if (section.kind === 'heat-map') {
      const values = section.rows.flatMap((row) => row.values);
      if (!values.some((value) => value !== null && Number.isFinite(value))) continue;
      const alternative = describe(section);
      figures.set(index, { svg: await heatMap({ ...section, description: alternative }), alternative });
    }
  }
  return figures;
}

/** A drawing as a file of its own: with a ground and an ink, since there is no page to take them from. */
export const standalone = (svg: string): string =>
  `${svg.replace(
    /<svg ([^>]*)>/,
    '<svg $1 color="#1b1f24" font-family="system-ui, sans-serif"><rect width="100%" height="100%" fill="#fff"/>',
  )}\n`;
