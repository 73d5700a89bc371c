/** What went wrong, for programs: stable across versions. */
export type VitErrorCode =
  | 'VIT_CONFIG_INVALID'
  | 'VIT_CONFIG_UNKNOWN'
  | 'VIT_CONFIG_NOT_INFERRED'
  | 'VIT_METADATA_INVALID'
  | 'VIT_PARAMETERS_MISMATCH'
  | 'VIT_PARAMETER_MISSING'
  | 'VIT_INPUT_SHAPE'
  | 'VIT_IMAGE_BYTES'
  | 'VIT_NOT_PACKED';

/** Thrown by this package; `problems` lists every single finding where there may be several. */
export class VitError extends Error {
  override readonly name = 'VitError';
  readonly code: VitErrorCode;
  readonly problems: readonly string[];

  constructor(code: VitErrorCode, message: string, problems: readonly string[] = []) {
    super(message);
    this.code = code;
    this.problems = problems;
  }
}
