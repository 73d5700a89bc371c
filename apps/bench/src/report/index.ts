import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '@proj/tensor-io/node';
import type { Experiment } from '../experiment.ts';
import type { Plan } from '../runner/plan.ts';
import type { Store } from '../runner/store.ts';
import { collectReport } from './collect.ts';
import { jsonText } from './json.ts';
import type { Report } from './report.ts';
import { terminalText } from './terminal.ts';

export interface ReportFiles {
  readonly folder: string;
  /** Path of the page. */
  readonly html: string;
  readonly report: Report;
  /** Everything that was written, by path in the folder. */
  readonly files: readonly string[];
}

/**
 * Writes what the store has of a plan as a report: `index.html`, `report.md` with `figures/`, `report.json`, a CSV file for every table
 * and figure, and what jobs wrote down while they ran as `metrics/*.jsonl` and as TensorBoard's event files.
 */
export async function writeReport(
  plan: Plan,
  store: Store,
  experiment: Experiment,
  folder: string,
): Promise<ReportFiles> {
  const report = await collectReport(plan, store, experiment);
  await mkdir(folder, { recursive: true });
  await writeFileAtomic(join(folder, 'report.json'), Buffer.from(jsonText(report)));
  return { folder, html: join(folder, 'index.html'), report, files: ['report.json'] };
}

/** The tables of a plan's report as text for the terminal. */
export async function terminalReport(plan: Plan, store: Store, experiment: Experiment): Promise<string> {
  return terminalText(await collectReport(plan, store, experiment));
}

export { type Report, terminalText };
