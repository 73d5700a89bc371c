import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import { TensorIoError } from './errors.ts';
import type { StateDict, TensorData } from './state.ts';
import { tensorData, toFloat32 } from './tensor.ts';

/** tfjs stops at rank 6. */
const MAX_RANK = 6;

/**
 * float32 tensors on the current tfjs backend, names, order and PyTorch layouts kept; the caller disposes them.
 *
 * @throws {TensorIoError} `TIO_BAD_SHAPE` for a rank above 6, and as `toFloat32` does; nothing stays allocated then.
 */
export function toTensors(state: StateDict): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  try {
    for (const [name, data] of state) {
      if (data.shape.length > MAX_RANK) {
        throw new TensorIoError(
          'TIO_BAD_SHAPE',
          `tensor ${JSON.stringify(name)}: rank ${data.shape.length}, tfjs holds at most ${MAX_RANK}.`,
        );
      }
      tensors.set(name, tensor(toFloat32(data), [...data.shape], 'float32'));
    }
  } catch (error) {
    for (const made of tensors.values()) made.dispose();
    throw error;
  }
  return tensors;
}

const DTYPES = { float32: 'F32', int32: 'I32', bool: 'BOOL' } as const;

/**
 * Copies tfjs tensors out: float32 becomes F32, int32 I32, bool BOOL. The tensors stay alive.
 *
 * @throws {TensorIoError} `TIO_UNKNOWN_DTYPE` for complex64 and string tensors.
 */
export async function fromTensors(tensors: ReadonlyMap<string, Tensor>): Promise<Map<string, TensorData>> {
  const state = new Map<string, TensorData>();
  for (const [name, tensor] of tensors) {
    if (tensor.dtype === 'complex64' || tensor.dtype === 'string') {
      throw new TensorIoError(
        'TIO_UNKNOWN_DTYPE',
        `tensor ${JSON.stringify(name)}: ${tensor.dtype} cannot be stored; use float32, int32 or bool.`,
      );
    }
    state.set(name, tensorData(DTYPES[tensor.dtype], tensor.shape, await tensor.data()));
  }
  return state;
}
