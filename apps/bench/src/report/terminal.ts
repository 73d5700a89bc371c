import Table from 'cli-table3';
import { cellText, count, intervalNote, placesOf } from './format.ts';
import { isDone, type Report } from './report.ts';
import type { Section } from './section.ts';
import { tabular } from './tabular.ts';

/** The tables of a report as text; of figures, their titles. */
export function terminalText(report: Report): string {
  const parts = [...undoneText(report), ...report.sections.flatMap(sectionText)];
  return `${parts.map(printable).join('\n\n')}\n`;
}

function undoneText({ jobs, run }: Report): string[] {
  const undone = jobs.filter((job) => !isDone(job));
  if (undone.length === 0) return [];
  const list = undone.map(
    ({ label, state, ...job }) => `  ${label}: ${state}${'message' in job ? ` (${job.message})` : ''}`,
  );
  return [
    [`${undone.length} of ${count(jobs.length, 'job')} not done; go on with: ${run}`, ...list].join('\n'),
  ];
}

function sectionText(section: Section): string[] {
  const heading = section.title;
  if (section.kind === 'text') return [[heading, ...section.text].join('\n')];
  if (section.kind !== 'table' && section.kind !== 'published') return [`${heading}: a figure of the report`];
  if (section.kind === 'table' && section.folded === true) return [];
  const { head, rows, digits } = tabular(section);
  const places = placesOf(rows, head.length, digits);
  const numeric = head.map((_, column) => rows.every((row) => typeof (row[column] ?? null) !== 'string'));
  const table = new Table({
    head: head.map(printable),
    style: { head: [], border: [] },
    colAligns: numeric.map((right) => (right ? 'right' : 'left')),
  });
  for (const row of rows)
    table.push(head.map((_, column) => printable(cellText(row[column] ?? null, places[column]!))));
  return [[heading, table.toString(), intervalNote(rows)].filter((line) => line !== undefined).join('\n')];
}

/** Without what would steer the terminal. */
const printable = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
  text.replaceAll(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, ' ');
