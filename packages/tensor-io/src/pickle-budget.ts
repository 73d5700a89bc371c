import { TensorIoError } from './errors.ts';

/** Most that one pickle may cost: 500,000 containers or a state dict of about 22,000 tensors. */
const MAX_COST = 4_000_000;

/** Cost of an object, against 1 of a number, a string or an entry of a container: an empty Map takes 200 bytes. */
export const OBJECT_COST = 8;

/** Cost of a place in the memo. */
export const MEMO_COST = 4;

/**
 * What reading a pickle may still cost. Opcodes of one byte make objects of hundreds, and one memoised list can be used a
 * million times, so neither the file's size nor the pickle's bounds time and memory (CWE-409, CWE-776).
 */
export class PickleBudget {
  private left = MAX_COST;
  private readonly where: string;

  constructor(where: string) {
    this.where = where;
  }

  /** @throws {TensorIoError} `TIO_TOO_LARGE` when nothing is left. */
  spend(cost: number): void {
    this.left -= cost;
    if (this.left < 0) {
      throw new TensorIoError(
        'TIO_TOO_LARGE',
        `${this.where}: the pickle makes too many values (they count ${MAX_COST} and more, an object ${OBJECT_COST}, a number 1).`,
      );
    }
  }
}
