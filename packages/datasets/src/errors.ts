/**
 * What went wrong, for programs:
 * - `DS_BAD_OPTION`: an argument is outside its range.
 * - `DS_BAD_INDEX`: an image index outside the data set.
 * - `DS_BAD_LABEL`: a label that names no class.
 * - `DS_BAD_DATA`: bytes that are not in the stated form (length, header, counts).
 * - `DS_BAD_IMAGE`: an image file that cannot be decoded or has another size than the rest.
 * - `DS_NOT_FOUND`: a file or folder that is not there.
 * - `DS_NO_SHARP`: image files need the optional package sharp.
 * - `DS_TRANSFER`: a download broke off or was answered with an error.
 * - `DS_CHECKSUM`: a file's SHA-256 is not the published one.
 * - `DS_NO_MIRROR`: every mirror failed; the message lists why.
 */
export type DatasetErrorCode =
  | 'DS_BAD_OPTION'
  | 'DS_BAD_INDEX'
  | 'DS_BAD_LABEL'
  | 'DS_BAD_DATA'
  | 'DS_BAD_IMAGE'
  | 'DS_NOT_FOUND'
  | 'DS_NO_SHARP'
  | 'DS_TRANSFER'
  | 'DS_CHECKSUM'
  | 'DS_NO_MIRROR';

/** Every error of this package. */
export class DatasetError extends Error {
  override readonly name = 'DatasetError';
  readonly code: DatasetErrorCode;

  constructor(code: DatasetErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
