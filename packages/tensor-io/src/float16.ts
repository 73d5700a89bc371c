import type { StateDict, TensorData } from './state.ts';
import { tensorData, toFloat32 } from './tensor.ts';

/**
 * The same state with its F32 tensors as F16, each number rounded to the nearest, ties to even: half the bytes, 11 bits of significand. Other
 * tensors are passed on as they are.
 *
 * @throws {TensorIoError} `TIO_BAD_VALUE` for a finite number of 65520 or more, which F16 cannot hold.
 */
export function toFloat16(state: StateDict): Map<string, TensorData> {
  return new Map(
    [...state].map(([name, tensor]) => [
      name,
      tensor.dtype === 'F32' ? tensorData('F16', tensor.shape, toFloat32(tensor)) : tensor,
    ]),
  );
}
