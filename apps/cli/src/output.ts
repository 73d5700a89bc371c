import { SingleBar } from 'cli-progress';
import Table from 'cli-table3';

/** Where a command's results go: data on stdout, everything else on stderr. */
export interface Output {
  readonly json: boolean;
  /** The result: as `text`, or with `--json` as one document `{ schema, ... }`. */
  result(schema: string, value: object, text: () => string): void;
  /** A remark on stderr, left out with `--quiet`. */
  note(text: string): void;
  /** A progress bar with ETA on stderr; without a terminal one line every ten seconds. */
  progress(title: string, total: number): Progress;
}

export interface Progress {
  update(done: number, detail?: string): void;
  end(): void;
}

export function createOutput(options: { readonly json?: boolean; readonly quiet?: boolean }): Output {
  const json = options.json === true;
  const quiet = options.quiet === true;
  return {
    json,
    result(schema, value, text) {
      process.stdout.write(json ? `${JSON.stringify({ schema, ...value }, null, 2)}\n` : `${text()}\n`);
    },
    note(text) {
      if (!quiet) process.stderr.write(`${text}\n`);
    },
    progress: (title, total) => (quiet ? silent : bar(title, total)),
  };
}

const silent: Progress = { update: () => undefined, end: () => undefined };

function bar(title: string, total: number): Progress {
  const single = new SingleBar({
    format: `${title} {bar} {value}/{total}  {percentage} %  ETA {eta_formatted}  {detail}`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 24,
    stream: process.stderr,
    hideCursor: true,
    noTTYOutput: true,
    notTTYSchedule: 10_000,
    etaBuffer: 50,
  });
  single.start(total, 0, { detail: '' });
  return {
    update: (done, detail = '') => single.update(done, { detail }),
    end: () => single.stop(),
  };
}

/** Rows under headings, columns padded, no colours: the same in a terminal and in a pipe. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const drawn = new Table({ head: [...head], style: { head: [], border: [] } });
  for (const row of rows) drawn.push(row.map(String));
  return drawn.toString();
}

export const count = (value: number): string => value.toLocaleString('en-US');

export function bytes(value: number): string {
  const units = ['B', 'KB', 'MB', 'GB'];
  const power = value < 1000 ? 0 : Math.min(3, Math.floor(Math.log10(value) / 3));
  return power === 0 ? `${value} B` : `${(value / 1000 ** power).toFixed(2)} ${units[power]}`;
}
