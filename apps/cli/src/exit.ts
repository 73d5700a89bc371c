/** Exit codes, documented in the README: 0, 1 and 2 as everywhere, 65 to 74 as in sysexits.h, 130 for Ctrl-C. */
export const exitCode = {
  ok: 0,
  failed: 1,
  usage: 2,
  verification: 3,
  data: 65,
  noInput: 66,
  cannotCreate: 73,
  io: 74,
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

/** Options that make no sense, alone or together; the message names them. */
export const usageError = (message: string): CliError => new CliError('CLI_USAGE', exitCode.usage, message);

/** What is no bad data although its package says so, and what the operating system calls by these names. */
const codes: readonly (readonly [ExitCode, readonly string[]])[] = [
  [exitCode.failed, ['TRAINER_LOSS_NOT_FINITE', 'TRAINER_GRADIENTS_NOT_FINITE', 'TRAINER_NOT_FINITE']],
  [exitCode.failed, ['TRAINER_WORKER_FAILED']],
  [exitCode.noInput, ['TIO_NOT_FOUND', 'TIO_NOT_A_FILE', 'TIO_PERMISSION', 'DS_NOT_FOUND']],
  [exitCode.noInput, ['ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES', 'EPERM']],
  [exitCode.cannotCreate, ['TIO_EXISTS', 'EEXIST', 'EROFS']],
  [exitCode.io, ['TIO_DISK_FULL', 'TIO_IO', 'TIO_HTTP', 'DS_TRANSFER', 'DS_NO_MIRROR']],
  [exitCode.io, ['ENOSPC', 'EDQUOT', 'EIO', 'EMFILE']],
];

/** All other errors of these packages mean bad input data. */
const dataPrefixes = [
  'TIO_',
  'RWS_',
  'VIT_',
  'DS_',
  'RECIPE_',
  'TRAINER_',
  'CORRUPTION_',
  'ONNX_',
  'QS_',
  'QKR_',
];

/** What the process ends with after this error: the cause decides, never the command it happened in. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CliError) return error.exit;
  if (isAbort(error)) return exitCode.interrupted;
  const code = codeOf(error) ?? '';
  const listed = codes.find(([, names]) => names.includes(code));
  if (listed !== undefined) return listed[0];
  return dataPrefixes.some((prefix) => code.startsWith(prefix)) ? exitCode.data : exitCode.failed;
}

export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
