/** What went wrong, for programs: stable across versions. */
export type QuantStatsErrorCode =
  | 'QS_BITS_INVALID'
  | 'QS_SHAPE_MISMATCH'
  | 'QS_NON_FINITE'
  | 'QS_PARAMETER_MISSING'
  | 'QS_BIT_PLAN_INVALID'
  | 'QS_ARGUMENT_INVALID';

/** Thrown by this package; `problems` lists every single finding where there may be several. */
export class QuantStatsError extends Error {
  override readonly name = 'QuantStatsError';
  readonly code: QuantStatsErrorCode;
  readonly problems: readonly string[];

  constructor(code: QuantStatsErrorCode, message: string, problems: readonly string[] = []) {
    super(message);
    this.code = code;
    this.problems = problems;
  }
}
