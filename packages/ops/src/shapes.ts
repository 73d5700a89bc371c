import type { Tensor } from '@tensorflow/tfjs-core';
import { OpsError } from './error.ts';

/** A shape as it stands in messages, e.g. `[2, 3]`. */
const show = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

/** Refuses tensors that are not float32 (`OPS_BAD_DTYPE`): tfjs would cast some silently and fail on others in the gradient. */
export function requireFloat(operation: string, tensors: Readonly<Record<string, Tensor>>): void {
  for (const [name, tensor] of Object.entries(tensors)) {
    if (tensor.dtype !== 'float32') {
      throw new OpsError(
        'OPS_BAD_DTYPE',
        `${operation}: ${name} must be float32, got ${tensor.dtype} ${show(tensor.shape)}; cast it with tf.cast(${name}, 'float32').`,
      );
    }
  }
}

/** Refuses a condition on shapes that does not hold (`OPS_SHAPE_MISMATCH`). */
export function requireShapes(
  holds: boolean,
  operation: string,
  expected: string,
  tensors: Readonly<Record<string, { readonly shape: readonly number[] }>>,
): asserts holds {
  if (holds) return;
  const received = Object.entries(tensors).map(([name, tensor]) => `${name} ${show(tensor.shape)}`);
  throw new OpsError('OPS_SHAPE_MISMATCH', `${operation}: expected ${expected}, got ${received.join(', ')}.`);
}
