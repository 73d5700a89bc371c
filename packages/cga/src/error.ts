/** What a {@link CgaError} is about; the message names the parameter and says what to do. */
export type CgaErrorCode =
  | 'CGA_OPTION_INVALID'
  | 'CGA_NO_TARGETS'
  | 'CGA_WEIGHT_INVALID'
  | 'CGA_GRADIENT_MISSING'
  | 'CGA_NOT_FINITE';

/** The one error class of this package. */
export class CgaError extends Error {
  override readonly name = 'CgaError';
  readonly code: CgaErrorCode;

  constructor(code: CgaErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
