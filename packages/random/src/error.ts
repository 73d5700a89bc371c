/** `RANDOM_BAD_SEED`, `RANDOM_BAD_PATH`: arguments of `random`; `RANDOM_BAD_RANGE`: an argument of a draw. */
export type RandomErrorCode = 'RANDOM_BAD_SEED' | 'RANDOM_BAD_PATH' | 'RANDOM_BAD_RANGE';

/** Every error of this package; `code` says which. */
export class RandomError extends Error {
  override readonly name = 'RandomError';
  readonly code: RandomErrorCode;

  constructor(code: RandomErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
