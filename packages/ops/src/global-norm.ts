import { addN, scalar, sqrt, square, sum, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { fast } from './fast.ts';
import { requireFloat } from './shapes.ts';

/**
 * The Euclidean norm of all elements of all tensors, float32, as a scalar; 0 without tensors. No gradient is defined.
 *
 * `@proj/wasm-kernels` sums the squares in float64; composed, they are summed in float32, which overflows beyond 1.8e19.
 *
 * @throws {OpsError} `OPS_BAD_DTYPE`.
 */
export function globalNorm(tensors: readonly Tensor[]): Tensor {
  const inputs = Object.fromEntries(tensors.map((tensor, i) => [i, tensor]));
  requireFloat('globalNorm', inputs);
  if (tensors.length === 0) return scalar(0);
  const [norm] = fast('GlobalNorm', inputs) ?? [composed(tensors)];
  return norm!;
}

function composed(tensors: readonly Tensor[]): Tensor {
  return tidy(() => sqrt(addN(tensors.map((tensor) => sum(square(tensor))))));
}
