/** What went wrong, for programs: stable across versions. */
export type ConvnetErrorCode =
  | 'CONVNET_CONFIG_INVALID'
  | 'CONVNET_CONFIG_UNKNOWN'
  | 'CONVNET_CONFIG_NOT_INFERRED'
  | 'CONVNET_METADATA_INVALID'
  | 'CONVNET_TENSORS_MISMATCH'
  | 'CONVNET_TENSOR_MISSING'
  | 'CONVNET_INPUT_SHAPE'
  | 'CONVNET_IMAGE_BYTES'
  | 'CONVNET_OPTION_INVALID'
  | 'CONVNET_NO_IMAGES';

/** Thrown by this package; `problems` lists every single finding where there may be several. */
export class ConvnetError extends Error {
  override readonly name = 'ConvnetError';
  readonly code: ConvnetErrorCode;
  readonly problems: readonly string[];

  constructor(code: ConvnetErrorCode, message: string, problems: readonly string[] = []) {
    super(message);
    this.code = code;
    this.problems = problems;
  }
}
