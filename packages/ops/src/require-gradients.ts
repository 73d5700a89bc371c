import { getGradient } from '@tensorflow/tfjs-core';
import { OpsError } from './error.ts';

/**
 * Refuses to go on where tfjs-core's gradients are not registered, so that a program learns it before its first backward pass.
 *
 * @throws {OpsError} `OPS_GRADIENTS_MISSING`.
 */
export function requireGradients(): void {
  if (getGradient('Reshape') != null) return;
  throw new OpsError(
    'OPS_GRADIENTS_MISSING',
    'tfjs-core has no gradients registered, so tf.grads will fail with "gradient function not found"; add import \'@proj/ops/gradients\' to the program.',
  );
}
