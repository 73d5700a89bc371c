import '@tensorflow/tfjs-backend-cpu';
import type { NamedTensors } from '@proj/ops';
import { random } from '@proj/random';
import { memory, scalar, setBackend, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { reduceShards, type ShardResult } from './reduce.ts';
import { placeTensors, sharedValues } from './shared-tensors.ts';
import { weightedSum } from './weighted-sum.ts';

beforeAll(() => setBackend('cpu'));

const named = (entries: Record<string, Tensor>): NamedTensors => new Map(Object.entries(entries));
const values = (tensors: NamedTensors) =>
  Object.fromEntries([...tensors].map(([name, found]) => [name, [...found.dataSync()]]));

describe('weightedSum', () => {
  it('is the exact sum rounded once, for any length', () => {
    for (const length of [0, 1, 2047, 2048, 5000]) {
      const { normal } = random(1, 'parts', length);
      const parts = [0, 1, 2].map(() => Float32Array.from({ length }, normal));
      const weights = [0.25, 0.25, 0.5];
      const expected = Float32Array.from({ length }, (_, i) =>
        parts.reduce((sum, part, k) => sum + weights[k]! * part[i]!, 0),
      );
      expect(weightedSum(parts, weights)).toEqual(expected);
    }
  });

  it('adds in the order of the parts', () => {
    const parts = [[1e300], [-1e300], [1]];
    expect(weightedSum(parts, [1, 1, 1])[0]).toBe(1);
    expect(weightedSum([parts[0]!, parts[2]!, parts[1]!], [1, 1, 1])[0]).toBe(0);
  });

  it('hides no NaN and no infinity', () => {
    expect([
      ...weightedSum(
        [
          [NaN, 1, Infinity, Infinity],
          [1, NaN, 1, -Infinity],
        ],
        [0.5, 0.5],
      ),
    ]).toEqual([NaN, NaN, Infinity, NaN]);
  });
});

describe('reduceShards', () => {
  const weight = tensor([1, 1]);
  const state = named({
    mean: tensor([10, 20]),
    still: tensor([1 / 3]),
    count: tensor([7], [1], 'int32'),
  });
  const before = { parameters: named({ weight }), buffers: state };
  const own = (buffers: NamedTensors) => ({
    loss: scalar(1),
    gradients: named({ weight: tensor([1, 2]) }),
    buffers,
  });
  function other(loss: number, gradient: readonly number[], buffers: ShardResult['buffers']): ShardResult {
    const { places, end } = placeTensors(before.parameters, 0);
    const result = { memory: new SharedArrayBuffer(end), gradients: places, loss, buffers };
    sharedValues(result.memory, places[0]!).set(gradient);
    return result;
  }

  it('weights loss, gradients and float32 buffers by the sizes of the shards', async () => {
    const mine = own(new Map([...state, ['mean', tensor([12, 24])], ['count', tensor([8], [1], 'int32')]]));
    const changed = new Map<string, number[]>([
      ['mean', [16, 20]],
      ['count', [99]],
    ]);
    const tensors = memory().numTensors;
    const result = await reduceShards(before, mine, [other(5, [5, 6], changed)], [0.25, 0.75]);
    expect(memory().numTensors).toBe(tensors + 4);
    expect(result.loss.dataSync()[0]).toBe(4);
    expect(values(result.gradients)).toEqual({ weight: [4, 5] });
    // Counters cannot be averaged: shard 0 counts.
    expect(values(result.buffers)).toEqual({ mean: [15, 21], still: [Math.fround(1 / 3)], count: [8] });
    expect(result.buffers.get('count')!.dtype).toBe('int32');
    expect(result.buffers.get('still')).toBe(state.get('still'));
  });

  it('takes the old values of a buffer that only some shards changed', async () => {
    const changed = new Map([['mean', [20, 40]]]);
    const { buffers } = await reduceShards(before, own(state), [other(1, [1, 1], changed)], [0.5, 0.5]);
    expect(values(buffers)['mean']).toEqual([15, 30]);
  });

  it('refuses gradients and buffers that do not fit', async () => {
    const refusal = (message: string) =>
      expect.objectContaining({
        code: 'TRAINER_GRADIENTS_MISMATCH',
        message: expect.stringContaining(message),
      });
    const fine = other(1, [1, 1], new Map());
    const without = { ...own(state), gradients: new Map() };
    await expect(reduceShards(before, without, [fine], [0.5, 0.5])).rejects.toThrow(refusal('"weight"'));
    const added = own(new Map([...state, ['steps', scalar(1)]]));
    await expect(reduceShards(before, added, [fine], [0.5, 0.5])).rejects.toThrow(refusal('"steps"'));
    const longer = other(1, [1, 1], new Map([['mean', [1, 2, 3]]]));
    await expect(reduceShards(before, own(state), [longer], [0.5, 0.5])).rejects.toThrow(
      refusal('2 and 3 values'),
    );
  });
});
