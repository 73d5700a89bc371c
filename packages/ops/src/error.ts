/** What was wrong with the arguments of an operation. */
export type OpsErrorCode =
  | 'OPS_SHAPE_MISMATCH'
  | 'OPS_BAD_DTYPE'
  | 'OPS_BAD_ARGUMENT'
  | 'OPS_TARGET_OUT_OF_RANGE'
  | 'OPS_NOT_DIFFERENTIABLE'
  | 'OPS_GRADIENTS_MISSING'
  | 'OPS_WRONG_KERNEL';

/** Thrown by every operation of this package for arguments it cannot compute with; the message names received and expected shapes. */
export class OpsError extends Error {
  override readonly name = 'OpsError';
  readonly code: OpsErrorCode;

  constructor(code: OpsErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
