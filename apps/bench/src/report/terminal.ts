import Table from 'cli-table3';
import { cellText, count, greatest, intervalNote, placesOf } from './format.ts';
import { isDone, type Report } from './report.ts';
import type { PublishedSection, Section, TableSection } from './section.ts';
import { tabular } from './tabular.ts';

/** The tables of a report as text; of figures, their titles. */
export function terminalText(report: Report): string {
  const figures = report.sections.filter((section) => !isTable(section) && section.kind !== 'text');
  const parts = [
    ...undoneText(report),
    ...report.sections.flatMap(sectionText),
    ...(figures.length === 0
      ? []
      : [`Figures of the report: ${figures.map(({ title }) => title).join('; ')}.`]),
  ];
  return `${parts.map(printable).join('\n\n')}\n`;
}

function undoneText({ jobs, goOn }: Report): string[] {
  const undone = jobs.filter((job) => !isDone(job));
  if (undone.length === 0) return [];
  const list = undone.map(
    ({ label, state, ...job }) => `  ${label}: ${state}${'message' in job ? ` (${job.message})` : ''}`,
  );
  return [
    [`${undone.length} of ${count(jobs.length, 'job')} not done; go on with: ${goOn}`, ...list].join('\n'),
  ];
}

const isTable = (section: Section): section is TableSection | PublishedSection =>
  section.kind === 'table' || section.kind === 'published';

function sectionText(section: Section): string[] {
  const heading = section.title;
  if (section.kind === 'text') return [[heading, ...section.text].join('\n')];
  if (!isTable(section)) return [];
  if (section.kind === 'table' && section.folded === true) return [];
  const { head, rows, digits } = tabular(section);
  const places = placesOf(rows, head.length, digits);
  const numeric = head.map((_, column) => rows.every((row) => typeof (row[column] ?? null) !== 'string'));
  const table = new Table({
    head: head.map(printable),
    style: { head: [], border: [] },
    wordWrap: true,
    colWidths: head.map((name, column) => {
      const texts = rows.map((row) => cellText(row[column] ?? null, places[column]!));
      return greatest([name, ...texts].map(({ length }) => length)) > widest ? widest + 2 : null;
    }),
    colAligns: numeric.map((right) => (right ? 'right' : 'left')),
  });
  for (const row of rows)
    table.push(head.map((_, column) => printable(cellText(row[column] ?? null, places[column]!))));
  return [[heading, table.toString(), intervalNote(rows)].filter((line) => line !== undefined).join('\n')];
}

/** Characters of a column; longer text is wrapped. */
const widest = 40;

/** Without what would steer the terminal. */
const printable = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
  text.replaceAll(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, ' ');
