/** What a {@link QkrError} is about; the message names the parameter and says what to do. */
export type QkrErrorCode = 'QKR_OPTION_INVALID' | 'QKR_PARAMETERS_MISMATCH' | 'QKR_INPUT_INVALID';

/** The one error class of this package. */
export class QkrError extends Error {
  override readonly name = 'QkrError';
  readonly code: QkrErrorCode;

  constructor(code: QkrErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
