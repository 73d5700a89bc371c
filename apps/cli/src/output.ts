import { codeOf, type ExitCode, exitCode, exitCodeOf, isAbort } from './exit.ts';
import { printable } from './format.ts';
import { type Progress, progressBar, silent } from './progress.ts';

/** Where a command's results go: data on stdout, everything else on stderr. */
export interface Output {
  /** The result: as `text`, or with `--json` as one document `{ schema, ... }`. */
  result(schema: string, value: object, text: () => string): void;
  /** A remark on stderr, left out with `--quiet`. */
  note(text: string): void;
  /** Shown unless `--quiet`. */
  progress(title: string, total: number): Progress;
}

export function createOutput({ json = false, quiet = false }: { json?: boolean; quiet?: boolean }): Output {
  return {
    result(schema, value, text) {
      process.stdout.write(
        json ? `${JSON.stringify({ schema, ...value }, null, 2)}\n` : `${printable(text())}\n`,
      );
    },
    note(text) {
      if (!quiet) process.stderr.write(`${printable(text)}\n`);
    },
    progress: (title, total) => (quiet ? silent : progressBar(title, total)),
  };
}

/** Says what went wrong, and returns what to end with. An error without a code is a fault in this program: it shows where. */
export function reportError(error: unknown, json: boolean): ExitCode {
  const exit = exitCodeOf(error);
  const code = isAbort(error) ? undefined : codeOf(error);
  const message = isAbort(error) ? 'interrupted' : error instanceof Error ? error.message : String(error);
  if (json) reportJson(exit, message, code);
  const unexpected = exit === exitCode.failed && code === undefined && error instanceof Error;
  const text = unexpected
    ? error.stack!
    : code === undefined || message.startsWith(code)
      ? message
      : `${code}: ${message}`;
  process.stderr.write(`proj: ${printable(text)}\n`);
  return exit;
}

/** An error as `--json` prints it. */
export function reportJson(exit: ExitCode, message: string, code: string | undefined): void {
  process.stdout.write(`${JSON.stringify({ schema: 'proj.error/1', code, exit, message })}\n`);
}
