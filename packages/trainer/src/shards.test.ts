import '@tensorflow/tfjs-backend-cpu';
import { complex, setBackend, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { planStep, shardSizes } from './shards.ts';
import { readTensors, sharedValues, writeTensors } from './shared-tensors.ts';

beforeAll(() => setBackend('cpu'));

describe('shardSizes', () => {
  it('adds up to the batch, in shards as equal as can be, the smaller ones first', () => {
    for (let workers = 1; workers <= 6; workers++) {
      for (let rows = workers; rows <= 20; rows++) {
        const sizes = shardSizes(rows, workers);
        expect(sizes).toHaveLength(workers);
        expect(sizes.reduce((sum, size) => sum + size)).toBe(rows);
        expect(sizes.at(-1)! - sizes[0]!).toBeLessThanOrEqual(1);
        expect(sizes.toSorted((a, b) => a - b)).toEqual(sizes);
      }
    }
    expect(shardSizes(11, 3)).toEqual([3, 4, 4]);
  });

  it('refuses a batch with fewer images than there are workers', () => {
    expect(() => shardSizes(2, 3)).toThrow(
      expect.objectContaining({
        code: 'TRAINER_BATCH_INVALID',
        message: expect.stringContaining('3 workers'),
      }),
    );
  });
});

describe('planStep', () => {
  const weight = tensor([[1, 2, 3]]);
  const parameters = new Map<string, Tensor>([
    ['weight', weight],
    ['bias', tensor([4])],
  ]);
  const buffers = new Map<string, Tensor>([['count', tensor([5, 6], [2], 'int32')]]);
  const batch = new Map<string, Tensor>([
    ['images', tensor([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [5, 2])],
    ['masked', tensor([1, 0, 1, 1, 0], [5], 'bool')],
  ]);

  it('gives every worker its rows of the batch in order, all parameters and buffers, and gradients of its own', async () => {
    const { shards, batch: whole, bytes } = planStep(parameters, buffers, batch, [1, 2, 2]);
    const memory = new SharedArrayBuffer(bytes);
    await writeTensors(memory, shards[0]!.parameters, parameters);
    await writeTensors(memory, shards[0]!.buffers, buffers);
    await writeTensors(memory, whole, batch);
    // Written last, where they must not touch anything else.
    for (const [worker, { gradients }] of shards.entries()) {
      for (const place of gradients) sharedValues(memory, place).fill(100 + worker);
    }
    const seen = shards.map((shard) => [
      shard.batch.map(({ shape }) => shape),
      ...[shard.batch, shard.parameters, shard.buffers, shard.gradients].map((places) =>
        [...readTensors(memory, places)].map(([name, values]) => [name, ...values.dataSync()]),
      ),
    ]);
    const rest = (gradient: number) => [
      [
        ['weight', 1, 2, 3],
        ['bias', 4],
      ],
      [['count', 5, 6]],
      [
        ['weight', gradient, gradient, gradient],
        ['bias', gradient],
      ],
    ];
    expect(seen).toEqual([
      [
        [[1, 2], [1]],
        [
          ['images', 1, 2],
          ['masked', 1],
        ],
        ...rest(100),
      ],
      [
        [[2, 2], [2]],
        [
          ['images', 3, 4, 5, 6],
          ['masked', 0, 1],
        ],
        ...rest(101),
      ],
      [
        [[2, 2], [2]],
        [
          ['images', 7, 8, 9, 10],
          ['masked', 1, 0],
        ],
        ...rest(102),
      ],
    ]);
  });

  it('refuses a batch with a tensor that has not one row for each image', () => {
    for (const extra of [tensor([1, 2]), tensor(1)]) {
      const odd = new Map<string, Tensor>([...batch, ['teacher', extra]]);
      expect(() => planStep(parameters, buffers, odd, [2, 3])).toThrow(
        expect.objectContaining({
          code: 'TRAINER_BATCH_INVALID',
          message: expect.stringContaining('"teacher"'),
        }),
      );
    }
  });

  it('refuses tensors that cannot be shared', () => {
    const numbers = new Map<string, Tensor>([['z', complex([1], [2])]]);
    expect(() => planStep(numbers, buffers, batch, [2, 3])).toThrow(
      expect.objectContaining({
        code: 'TRAINER_OPTION_INVALID',
        message: expect.stringContaining('complex64'),
      }),
    );
  });
});
