/** What went wrong, for programs. FORMAT.md and the README say when each is thrown. */
export type RwsErrorCode =
  | 'RWS_OPTION_INVALID'
  | 'RWS_STATES_DIFFER'
  | 'RWS_NON_FINITE'
  | 'RWS_OUT_OF_RANGE'
  | 'RWS_NOTHING_TO_EXTRACT'
  | 'RWS_SIGNATURES_DIFFER'
  | 'RWS_NOT_A_SIGNATURE'
  | 'RWS_FORMAT_UNSUPPORTED'
  | 'RWS_METADATA_INVALID'
  | 'RWS_TENSORS_INVALID'
  | 'RWS_CODES_INVALID'
  | 'RWS_SCALE_INVALID'
  | 'RWS_ID_MISMATCH'
  | 'RWS_SIGNATURE_MISMATCH'
  | 'RWS_ALREADY_APPLIED'
  | 'RWS_NOT_APPLIED'
  | 'RWS_WEIGHTS_CHANGED'
  | 'RWS_PATCH_TOO_LARGE'
  | 'RWS_ALREADY_PATCHED'
  | 'RWS_NOT_PATCHED'
  | 'RWS_UNDO_INVALID'
  | 'RWS_UNDO_MISMATCH';

/** Every error of this package; `code` says which. Damage below the level of signatures is a `TensorIoError`. */
export class RwsError extends Error {
  override readonly name: string = 'RwsError';
  readonly code: RwsErrorCode;

  constructor(code: RwsErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** One tensor of a signature that does not fit a model, and why. */
export interface Mismatch {
  readonly tensor: string;
  readonly reason: 'missing' | 'shape' | 'dtype' | 'content';
  readonly detail: string;
}

/** A signature does not fit a model (code `RWS_SIGNATURE_MISMATCH`); `mismatches` lists every tensor that does not. */
export class SignatureMismatchError extends RwsError {
  override readonly name = 'SignatureMismatchError';
  readonly mismatches: readonly Mismatch[];

  constructor(message: string, mismatches: readonly Mismatch[]) {
    super('RWS_SIGNATURE_MISMATCH', message);
    this.mismatches = mismatches;
  }
}
