import type { NamedTensors } from '@proj/ops';
import { scalar, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { TrainerError } from './error.ts';
import type { ValueAndGradients } from './gradients.ts';
import { requireMatching } from './optimizer.ts';
import type { GradientAnswer, GradientTask } from './shards.ts';
import { sharedValues } from './shared-tensors.ts';
import { weightedSum } from './weighted-sum.ts';

/** What a worker other than this thread computed: its answer, and where its gradients lie. */
export type ShardResult = GradientAnswer & Pick<GradientTask, 'memory' | 'gradients'>;

/**
 * The means over a batch from those over its shards, weighted by size and added in the order of the workers.
 *
 * @param own shard 0; left alone.
 * @param others the shards after it.
 * @param weights the share of each shard in the batch.
 * @throws {TrainerError} TRAINER_GRADIENTS_MISMATCH.
 */
export async function reduceShards(
  { parameters, buffers }: { readonly parameters: NamedTensors; readonly buffers: NamedTensors },
  own: ValueAndGradients,
  others: readonly ShardResult[],
  weights: readonly number[],
): Promise<ValueAndGradients> {
  requireMatching(parameters, own.gradients);
  const losses = [await own.loss.data(), ...others.map(({ loss }) => [loss])];
  const changed = [await changedBuffers(buffers, own.buffers), ...others.map((shard) => shard.buffers)];
  const newBuffers = await combineBuffers(buffers, changed, weights);
  const gradients = new Map<string, Tensor>();
  for (const [i, [name, { shape }]] of [...parameters].entries()) {
    const theirs = others.map((shard) => sharedValues(shard.memory, shard.gradients[i]!));
    const parts = [await own.gradients.get(name)!.data(), ...theirs];
    gradients.set(name, tensor(weightedSum(parts, weights), shape));
  }
  return { loss: scalar(weightedSum(losses, weights)[0]!), gradients, buffers: newBuffers };
}

/**
 * The values of the buffers that are not the tensors they were before.
 *
 * @throws {TrainerError} TRAINER_GRADIENTS_MISMATCH for a buffer that was not there before.
 */
export async function changedBuffers(
  before: NamedTensors,
  after: NamedTensors,
): Promise<Map<string, ArrayLike<number>>> {
  const changed = new Map<string, ArrayLike<number>>();
  for (const [name, tensor] of after) {
    if (!before.has(name)) {
      throw new TrainerError(
        'TRAINER_GRADIENTS_MISMATCH',
        `there is a new buffer "${name}" after the step; pass every buffer from the start.`,
      );
    }
    if (tensor !== before.get(name)) changed.set(name, await tensor.data());
  }
  return changed;
}

/**
 * The buffers after a step of several workers. What no shard changed stays the very tensor; float32 buffers (batch normalization's
 * statistics) are averaged like gradients; int32 and bool buffers (counters, flags) are those of shard 0.
 *
 * @param changed by shard, what `changedBuffers` says.
 */
async function combineBuffers(
  before: NamedTensors,
  changed: readonly ReadonlyMap<string, ArrayLike<number>>[],
  weights: readonly number[],
): Promise<Map<string, Tensor>> {
  const after = new Map<string, Tensor>();
  for (const [name, old] of before) {
    if (changed.some((shard) => shard.has(name))) {
      const values = await old.data();
      const parts = changed.map((shard) => shard.get(name) ?? values);
      const combined = old.dtype === 'float32' ? weightedSum(parts, weights) : Int32Array.from(parts[0]!);
      after.set(name, tensor(combined, old.shape, old.dtype));
    } else {
      after.set(name, old);
    }
  }
  return after;
}
