import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileAtomic } from '@proj/tensor-io/node';
import type { Experiment } from '../experiment.ts';
import type { Plan } from '../runner/plan.ts';
import type { Store } from '../runner/store.ts';
import { collectReport } from './collect.ts';
import { csv } from './csv.ts';
import { figuresOf, standalone } from './figures.ts';
import { htmlPage } from './html.ts';
import { jsonText } from './json.ts';
import { markdownPage, type SectionFiles } from './markdown.ts';
import { type Report, sectionName } from './report.ts';
import { isNumbered, tabular } from './tabular.ts';
import { terminalText } from './terminal.ts';
import { trainingFiles } from './training-files.ts';

export interface ReportFiles {
  readonly folder: string;
  /** Path of the page. */
  readonly html: string;
  readonly report: Report;
  /** Everything that was written, by path in the folder. */
  readonly files: readonly string[];
}

/** By path in the report's folder. */
export type Contents = Map<string, string | Uint8Array>;

/**
 * Writes what the store has of a plan as a report: `index.html`, `report.md` with `figures/`, `report.json`, a CSV file for every table
 * and figure in `data/`, and what jobs wrote down while they ran in `metrics/` and, for TensorBoard, in `tensorboard/`. The same store
 * gives the same bytes. Files of an earlier report in the folder are removed, no others.
 */
export async function writeReport(
  plan: Plan,
  store: Store,
  experiment: Experiment,
  folder: string,
): Promise<ReportFiles> {
  const report = await collectReport(plan, store, experiment);
  const contents: Contents = new Map([...(await pages(report)), ...(await trainingFiles(plan, store))]);
  const files = [...contents.keys(), 'report.json'].sort();
  // The list of files comes last: whoever is killed before leaves files that the next report replaces.
  contents.set('report.json', jsonText({ ...report, files }));
  for (const stale of await earlierFiles(folder))
    if (!contents.has(stale)) await rm(join(folder, stale), { force: true });
  for (const [name, content] of contents) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFileAtomic(path, typeof content === 'string' ? Buffer.from(content) : content);
  }
  return { folder, html: join(folder, 'index.html'), report, files };
}

/** The tables of a plan's report as text for the terminal. */
export async function terminalReport(plan: Plan, store: Store, experiment: Experiment): Promise<string> {
  return terminalText(await collectReport(plan, store, experiment));
}

/** The page, its Markdown, figures and tables. */
export async function pages(report: Report): Promise<Contents> {
  const figures = await figuresOf(report);
  const contents: Contents = new Map();
  const files = new Map<number, SectionFiles>();
  for (const [index, section] of report.sections.entries()) {
    const name = sectionName(section, index);
    const drawn: string[] = [];
    const keep = (path: string, content: string | Uint8Array) => {
      contents.set(path, content);
      return path;
    };
    const figure = figures.get(index);
    if (figure !== undefined) drawn.push(keep(`figures/${name}.svg`, standalone(figure.svg)));
    if (section.kind === 'images')
      for (const [i, { png }] of section.images.entries())
        drawn.push(keep(`figures/${name}-${i + 1}.png`, Buffer.from(png, 'base64')));
    files.set(index, {
      figures: drawn,
      ...(isNumbered(section) && { csv: keep(`data/${name}.csv`, csv(tabular(section))) }),
    });
  }
  contents.set('report.md', markdownPage(report, files, figures));
  contents.set('index.html', htmlPage(report, figures));
  return contents;
}

/** What the report that lies in a folder says it consists of. */
async function earlierFiles(folder: string): Promise<string[]> {
  try {
    const earlier = JSON.parse(await readFile(join(folder, 'report.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    if (earlier['schema'] !== 'proj.bench.report/1' || !Array.isArray(earlier['files'])) return [];
    return earlier['files'].filter(
      (file): file is string => typeof file === 'string' && !file.split(/[\\/]/).includes('..'),
    );
  } catch {
    // There is none, or it is not ours.
    return [];
  }
}
