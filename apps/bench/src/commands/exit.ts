import { CommanderError } from 'commander';
import { BenchError, type BenchErrorCode } from '../error.ts';

/** As everywhere; 130 for Ctrl-C. */
export const exitCode = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

const usage: readonly BenchErrorCode[] = ['BENCH_UNKNOWN', 'BENCH_SETTING'];
/** What a command has shown as its result already. */
const shown: readonly BenchErrorCode[] = ['BENCH_JOBS_FAILED', 'BENCH_STOPPED'];

/** Says what went wrong, and returns what to end with. An error without a code is a fault in this program: it shows where. */
export function reportError(error: unknown, json: boolean): ExitCode {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return exitCode.ok;
    // Commander has printed what is wrong, as text.
    if (json) reportJson(exitCode.usage, error.message.replace(/^error: /, ''), 'BENCH_USAGE');
    return exitCode.usage;
  }
  const { code, message, stack } = error as NodeJS.ErrnoException;
  const exit = exitCodeOf(error);
  if (json && !(error instanceof BenchError && shown.includes(error.code))) reportJson(exit, message, code);
  process.stderr.write(`bench: ${code === undefined ? (stack ?? message) : message}\n`);
  return exit;
}

function exitCodeOf(error: unknown): ExitCode {
  if (!(error instanceof BenchError)) return exitCode.failed;
  if (error.code === 'BENCH_STOPPED') return exitCode.interrupted;
  return usage.includes(error.code) ? exitCode.usage : exitCode.failed;
}

function reportJson(exit: ExitCode, message: string, code: string | undefined): void {
  process.stdout.write(`${JSON.stringify({ schema: 'proj.error/1', code, exit, message })}\n`);
}
