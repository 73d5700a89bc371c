/** Exit codes, documented in the README: 0, 1 and 2 as everywhere, 65 to 75 as in sysexits.h, 130 for Ctrl-C. */
export const exitCode = {
  ok: 0,
  failed: 1,
  usage: 2,
  verification: 3,
  data: 65,
  noInput: 66,
  cannotCreate: 73,
  io: 74,
  temporary: 75,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** A problem that the command itself found: an impossible combination of options, an accuracy below what was asked. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly code: string;
  readonly exit: ExitCode;

  constructor(code: string, exit: ExitCode, message: string) {
    super(message);
    this.code = code;
    this.exit = exit;
  }
}

const byCode: Readonly<Record<string, ExitCode>> = {
  TIO_NOT_FOUND: exitCode.noInput,
  DS_NOT_FOUND: exitCode.noInput,
  ENOENT: exitCode.noInput,
  TIO_DISK_FULL: exitCode.io,
  TIO_IO: exitCode.io,
  TIO_NOT_A_FILE: exitCode.noInput,
  TIO_PERMISSION: exitCode.cannotCreate,
  TIO_EXISTS: exitCode.cannotCreate,
};

/** Errors of these packages mean bad input data unless `byCode` says otherwise. */
const dataPrefixes = ['TIO_', 'RWS_', 'VIT_', 'DS_', 'RECIPE_', 'TRAINER_', 'CORRUPTION_'];

/** What the process ends with after this error: the cause decides, never the command it happened in. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CliError) return error.exit;
  if (isAbort(error)) return exitCode.interrupted;
  const code = codeOf(error);
  if (code === undefined) return exitCode.failed;
  return (
    byCode[code] ?? (dataPrefixes.some((prefix) => code.startsWith(prefix)) ? exitCode.data : exitCode.failed)
  );
}

export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
