/** What went wrong, for programs: stable across versions. */
export type OnnxErrorCode = 'ONNX_BATCH' | 'ONNX_NON_FINITE' | 'ONNX_NAMES' | 'ONNX_TOO_LARGE';

/** Thrown by this package; a state that does not fit its configuration is a `VitError`, as everywhere. */
export class OnnxError extends Error {
  override readonly name = 'OnnxError';
  readonly code: OnnxErrorCode;

  constructor(code: OnnxErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
