import { TensorIoError } from './errors.ts';

const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Refuses text that UTF-8 cannot hold; an encoder would silently write another text.
 *
 * @throws {TensorIoError} `TIO_BAD_NAME`.
 */
export function checkText(text: string): void {
  if (LONE_SURROGATE.test(text)) {
    throw new TensorIoError(
      'TIO_BAD_NAME',
      `${JSON.stringify(text)} holds half a surrogate pair; UTF-8 cannot hold it.`,
    );
  }
}
