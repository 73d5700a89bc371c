import type { Figure } from './figures.ts';
import { cellText, count, greatest, intervalNote, placesOf } from './format.ts';
import { facts, provenance } from './provenance.ts';
import { isDone, jobsOf, type Report } from './report.ts';
import type { ImagesSection, Section } from './section.ts';
import { type Tabular, tabular } from './tabular.ts';

/** Paths in the report's folder: of a section's drawing or images, and of its numbers. */
export interface SectionFiles {
  readonly figures: readonly string[];
  readonly csv?: string;
}

/** The report as GitHub shows it, its figures in files beside it. */
export function markdownPage(
  report: Report,
  files: ReadonlyMap<number, SectionFiles>,
  figures: ReadonlyMap<number, Figure>,
): string {
  const { title, about, sections } = report;
  const blocks = [
    `# ${plain(title)}`,
    plain(about),
    `${facts(report).map(plain).join(' · ')}`,
    `Made by ${code(report.run)}; this report by ${code(report.report)}.`,
    ...undone(report),
    ...sections.flatMap((section, index) => [
      `## ${plain(section.title)}`,
      ...(section.note === undefined ? [] : [plain(section.note)]),
      ...content(section, files.get(index), figures.get(index)?.alternative),
      ...(section.kind === 'text' ? [] : [origin(report, section, files.get(index)?.csv)]),
    ]),
    ...sources(report),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function undone({ jobs, goOn = '' }: Report): string[] {
  const open = jobs.filter((job) => !isDone(job));
  if (open.length === 0) return [];
  return [
    `**${open.length} of ${count(jobs.length, 'job')} not done.** What follows is made from the others. This goes on: ${code(goOn)}`,
    open
      .map(
        ({ label, id, state, message }) =>
          `- ${plain(label)} ${code(id)}: ${state}${message === undefined ? '' : ` (${plain(message)})`}`,
      )
      .join('\n'),
  ];
}

function content(section: Section, files: SectionFiles | undefined, alternative = ''): string[] {
  switch (section.kind) {
    case 'text':
      return section.text.map(plain);
    case 'table':
      return section.folded === true ? [folded('The table', table(section))] : [table(section)];
    case 'published':
      return [table(tabular(section))];
    case 'images':
      return gallery(section, files?.figures ?? []);
    default: {
      const [figure] = files?.figures ?? [];
      if (figure === undefined) return ['There is nothing to draw yet.'];
      return [`![${plain(alternative)}](${figure})`];
    }
  }
}

function origin(report: Report, section: Section, csv: string | undefined): string {
  const jobs = jobsOf(report, section);
  const numbers = csv === undefined ? '' : ` Its numbers: [${csv}](${csv}).`;
  const list = jobs.map(({ label, id }) => `${plain(label)} ${code(id)}`).join(', ');
  const from =
    section.from === undefined
      ? `all ${count(jobs.length, 'finished job')}; their ids stand in the table of jobs`
      : `${count(jobs.length, 'job')}: ${list}`;
  return folded('How this was made', `${code(report.run)}, from ${from}.${numbers}`);
}

function sources(report: Report): string[] {
  const tables = provenance(report);
  if (tables.length === 0) return [];
  return [
    '## Where the numbers come from',
    'The same command makes the same results elsewhere, unless they are times. Raw results are in [report.json](report.json).',
    ...tables.map((part) =>
      folded(part.title, [...(part.note === undefined ? [] : [plain(part.note)]), table(part)].join('\n\n')),
    ),
  ];
}

const folded = (summary: string, body: string): string =>
  `<details>\n<summary>${plain(summary)}</summary>\n\n${body}\n\n</details>`;

function table(tabular: Tabular): string {
  const { head, rows, digits } = tabular;
  const places = placesOf(rows, head.length, digits);
  const right = head.map((_, column) => rows.every((row) => typeof (row[column] ?? null) !== 'string'));
  const cells = rows.map((row) =>
    head.map((_, column) => plain(cellText(row[column] ?? null, places[column]!))),
  );
  const note = intervalNote(rows);
  return [aligned(head.map(plain), cells, right), ...(note === undefined ? [] : [note])].join('\n\n');
}

/** A table whose columns are as wide in the file, too. */
function aligned(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly boolean[],
): string {
  const widths = head.map((name, column) =>
    Math.max(3, greatest([name, ...rows.map((row) => row[column]!)].map(({ length }) => length))),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => (right[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join(' | ')} |`;
  const rule = widths.map((width, i) => (right[i] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

/** HTML, since Markdown's images have no width. */
function gallery({ images, width }: ImagesSection, figures: readonly string[]): string[] {
  if (images.length === 0) return ['There are no images yet.'];
  const marks = { right: '✓ ', wrong: '✗ ' };
  const pictures = images.map(
    ({ alt }, i) => `<img src="${figures[i]}" alt="${plain(alt)}" width="${width}">`,
  );
  const captions = images.map(({ caption }) =>
    caption
      .map(({ text, verdict }) => `${verdict === undefined ? '' : marks[verdict]}${plain(text)}`)
      .join('<br>'),
  );
  const perRow = Math.max(1, Math.min(8, Math.floor(800 / (width + 30))));
  return Array.from({ length: Math.ceil(images.length / perRow) }, (_, row) => {
    const [from, to] = [row * perRow, (row + 1) * perRow];
    const shown = pictures.slice(from, to);
    return aligned(
      shown,
      [captions.slice(from, to)],
      shown.map(() => false),
    );
  });
}

/** Text that means nothing to Markdown or HTML, in a paragraph as in a cell. */
export const plain = (text: string): string =>
  text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
    .replaceAll(/[\u0000-\u0020\u007f-\u009f\u2028\u2029]+/g, ' ')
    .trim()
    .replaceAll(/&(?=[\w#])/g, '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll(
      /[\\`*[\]|~$]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|!(?=\[)/gu,
      (character) => `\\${character}`,
    )
    .replace(/^(\d+)([.)])(?=\s|$)/, '$1\\$2')
    .replace(/^(#{1,6}(?=\s|$)|[-+](?=\s|$)|={1,}\s*$|-{2,}\s*$)/, '\\$1');

/** As typed, in a fence longer than any that it holds. */
function code(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  const longest = Math.max(0, ...(line.match(/`+/g) ?? []).map(({ length }) => length));
  const fence = '`'.repeat(longest + 1);
  const space = line.startsWith('`') || line.endsWith('`') ? ' ' : '';
  return `${fence}${space}${line}${space}${fence}`;
}
