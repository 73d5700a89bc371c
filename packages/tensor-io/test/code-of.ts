import { TensorIoError, type TensorIoErrorCode } from '../src/errors.ts';

/** The code that `action` throws; `undefined` when it does not throw, and any other error passes through. */
export function codeOf(action: () => unknown): TensorIoErrorCode | undefined {
  try {
    action();
  } catch (error) {
    if (error instanceof TensorIoError) return error.code;
    throw error;
  }
  return undefined;
}

/** The code that a promise is rejected with. */
export async function rejectionCode(promise: Promise<unknown>): Promise<TensorIoErrorCode | undefined> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof TensorIoError) return error.code;
    throw error;
  }
  return undefined;
}
