export type CorruptionErrorCode =
  /** No corruption has this name. */
  | 'CORRUPTION_UNKNOWN_NAME'
  /** The severity is no integer from 1 to 5. */
  | 'CORRUPTION_BAD_SEVERITY'
  /** Height, width or channels are no sizes of an image. */
  | 'CORRUPTION_BAD_SHAPE'
  /** The image's values are no bytes. */
  | 'CORRUPTION_BAD_DATA'
  /** The bytes are not height x width x channels of them. */
  | 'CORRUPTION_BAD_LENGTH'
  /** The image has too few pixels for this corruption. */
  | 'CORRUPTION_TOO_SMALL'
  /** The index of the first image is no count. */
  | 'CORRUPTION_BAD_INDEX'
  /** More draws were asked for than were recorded. */
  | 'CORRUPTION_DRAWS_EXHAUSTED'
  /** Fewer draws were used than were recorded. */
  | 'CORRUPTION_DRAWS_LEFT'
  /** A recorded value cannot have come from the distribution that was asked for. */
  | 'CORRUPTION_BAD_DRAW';

/** Thrown for arguments that make no corrupted image; `code` says which rule was broken. */
export class CorruptionError extends Error {
  override readonly name = 'CorruptionError';
  readonly code: CorruptionErrorCode;

  constructor(code: CorruptionErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
