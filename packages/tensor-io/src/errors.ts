/** Every code a `TensorIoError` can carry; the README says what each one means. */
export const TENSOR_IO_ERROR_CODES = [
  // Values and shapes handed to this package
  'TIO_BAD_NAME',
  'TIO_BAD_VALUE',
  'TIO_BAD_BITS',
  'TIO_NO_SUCH_TENSOR',
  'TIO_UNKNOWN_DTYPE',
  'TIO_BAD_SHAPE',
  'TIO_OVERFLOW',
  'TIO_SIZE_MISMATCH',
  // JSON headers
  'TIO_NOT_UTF8',
  'TIO_BAD_JSON',
  'TIO_TOO_DEEP',
  'TIO_DUPLICATE_NAME',
  // safetensors
  'TIO_TRUNCATED',
  'TIO_HEADER_TOO_LARGE',
  'TIO_HEADER_START',
  'TIO_BAD_METADATA',
  'TIO_BAD_ENTRY',
  'TIO_BAD_OFFSETS',
  'TIO_OVERLAP',
  'TIO_HOLE',
  'TIO_TRAILING_BYTES',
  // Sharded safetensors
  'TIO_BAD_INDEX',
  'TIO_UNSAFE_PATH',
  'TIO_SHARD_MISMATCH',
  // NumPy and zip
  'TIO_BAD_NPY',
  'TIO_OBJECT_ARRAY',
  'TIO_BAD_ZIP',
  'TIO_TOO_LARGE',
  // PyTorch
  'TIO_BAD_PTH',
  'TIO_OLD_PTH',
  'TIO_BAD_PICKLE',
  'TIO_PICKLE_GLOBAL',
  'TIO_BAD_STRIDES',
  'TIO_NO_STATE_DICT',
  // Where bytes come from and go to
  'TIO_NOT_FOUND',
  'TIO_PERMISSION',
  'TIO_DISK_FULL',
  'TIO_NOT_A_FILE',
  'TIO_IO',
  'TIO_EXISTS',
  'TIO_HTTP',
  'TIO_CLOSED',
  'TIO_NO_CRYPTO',
] as const;

export type TensorIoErrorCode = (typeof TENSOR_IO_ERROR_CODES)[number];

/** The one error class of this package; `code` is stable, `message` names the source, the place and the values. */
export class TensorIoError extends Error {
  override readonly name = 'TensorIoError';
  readonly code: TensorIoErrorCode;

  constructor(code: TensorIoErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
