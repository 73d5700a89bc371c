import type { NamedTensors } from '@proj/ops';
import { type DType, type StateDict, type TensorData, toFloat32, toFloat64 } from '@proj/tensor-io';
import { fromTensors } from '@proj/tensor-io/tfjs';
import { type DataType, type Tensor, tensor } from '@tensorflow/tfjs-core';
import type { Checkpoint } from './checkpoint.ts';
import { TrainerError } from './error.ts';
import type { OptimizerState } from './optimizer.ts';
import { releaseTensors } from './release.ts';

/** The tensors a run owns while it trains. */
export interface LiveState {
  readonly parameters: NamedTensors;
  readonly buffers: NamedTensors;
  readonly optimizer: OptimizerState;
}

/** Copies the tensors out, for a checkpoint. */
export async function snapshot(
  live: LiveState,
): Promise<Pick<Checkpoint, 'parameters' | 'buffers' | 'optimizer'>> {
  const moments = new Map<string, StateDict>();
  for (const [moment, tensors] of live.optimizer.moments) moments.set(moment, await fromTensors(tensors));
  return {
    parameters: await fromTensors(live.parameters),
    buffers: await fromTensors(live.buffers),
    optimizer: { step: live.optimizer.step, moments },
  };
}

/**
 * The state of a checkpoint in place of a fresh one, which is disposed. Maps keep the order of the fresh one.
 *
 * @throws {TrainerError} TRAINER_CHECKPOINT_MISMATCH when names, shapes, dtypes or moments differ.
 */
export function restore(fresh: LiveState, checkpoint: Checkpoint): LiveState {
  const { optimizer } = checkpoint;
  const expected = [...fresh.optimizer.moments.keys()];
  if (expected.join() !== [...optimizer.moments.keys()].join()) {
    throw mismatch(
      `it holds the moments [${[...optimizer.moments.keys()].join(', ')}], this optimizer keeps [${expected.join(', ')}]`,
    );
  }
  requireSameTensors('parameter', fresh.parameters, checkpoint.parameters);
  requireSameTensors('buffer', fresh.buffers, checkpoint.buffers);
  for (const [moment, tensors] of fresh.optimizer.moments) {
    requireSameTensors(moment, tensors, optimizer.moments.get(moment)!);
  }
  const moments = new Map<string, NamedTensors>();
  for (const [moment, tensors] of fresh.optimizer.moments) {
    moments.set(moment, inOrder(tensors, optimizer.moments.get(moment)!));
  }
  const restored = {
    parameters: inOrder(fresh.parameters, checkpoint.parameters),
    buffers: inOrder(fresh.buffers, checkpoint.buffers),
    optimizer: { step: optimizer.step, moments },
  };
  release(fresh);
  return restored;
}

/** Disposes all tensors of a run. */
export function release({ parameters, buffers, optimizer }: LiveState): void {
  releaseTensors(parameters);
  releaseTensors(buffers);
  releaseMoments(optimizer);
}

/** Disposes the optimizer's part. */
export function releaseMoments({ moments }: OptimizerState): void {
  for (const tensors of moments.values()) releaseTensors(tensors);
}

function inOrder(names: NamedTensors, state: StateDict): NamedTensors {
  return new Map([...names].map(([name, { dtype }]) => [name, toTensor(state.get(name)!, dtype)]));
}

const DTYPES: Partial<Record<DataType, DType>> = { float32: 'F32', int32: 'I32', bool: 'BOOL' };

function toTensor(data: TensorData, dtype: DataType): Tensor {
  const values = dtype === 'float32' ? toFloat32(data) : Int32Array.from(toFloat64(data));
  return tensor(values, [...data.shape], dtype);
}

function requireSameTensors(kind: string, expected: NamedTensors, found: StateDict): void {
  for (const [name, { shape, dtype }] of expected) {
    const data = found.get(name);
    if (data === undefined) throw mismatch(`${kind} "${name}" is not in it`);
    if (data.shape.join() !== shape.join() || data.dtype !== DTYPES[dtype]) {
      throw mismatch(`${kind} "${name}" is ${data.dtype} [${data.shape}] there and ${dtype} [${shape}] here`);
    }
  }
  for (const name of found.keys()) {
    if (!expected.has(name)) throw mismatch(`${kind} "${name}" in it is unknown here`);
  }
}

function mismatch(what: string): TrainerError {
  return new TrainerError(
    'TRAINER_CHECKPOINT_MISMATCH',
    `the checkpoint does not fit: ${what}. Resume with the model and optimizer that it was written with.`,
  );
}
