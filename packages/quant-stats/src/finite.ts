import type { Tensor } from '@tensorflow/tfjs-core';
import { QuantStatsError } from './error.ts';

/**
 * Refuses a tensor with an element that is NaN or infinite, before a clip makes a level of it. Reads the tensor back.
 *
 * @throws {QuantStatsError} `QS_NON_FINITE` naming tensor, first such element, and how many there are.
 */
export function requireFinite(what: string, tensor: Tensor): void {
  const values = tensor.dataSync();
  const first = values.findIndex((value) => !Number.isFinite(value));
  if (first < 0) return;
  let count = 0;
  for (const value of values) if (!Number.isFinite(value)) count++;
  throw new QuantStatsError(
    'QS_NON_FINITE',
    `${what} [${tensor.shape}] has ${count} of ${values.length} elements that are not finite, the first at index ${first}: ${values[first]}; look for what made them (a learning rate too high, a division by 0) before quantizing.`,
  );
}
