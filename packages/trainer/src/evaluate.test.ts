import '@tensorflow/tfjs-backend-cpu';
import { memory, mul, setBackend, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { evaluate } from './evaluate.ts';
import type { Batch } from './gradients.ts';

beforeAll(() => setBackend('cpu'));

/** Batches whose images are the logits themselves. */
const batch = (logits: number[][], labels: number[]): Batch => ({
  images: tensor(logits),
  targets: tensor(labels, [labels.length], 'int32'),
});
const forward = (images: Tensor): Tensor => mul(mul(images, 2), 0.5);

describe('evaluate', () => {
  it('counts top-1 by class, averages the loss over images of unequal batches, and leaves no tensor', async () => {
    const before = memory().numTensors;
    const seen: number[] = [];
    async function* batches() {
      yield batch(
        [
          [2, 1, 0],
          [0, 5, 5],
        ],
        [0, 2],
      );
      yield batch([[0, 0, 1000]], [2]);
    }
    const { imagesPerSecond, ...result } = await evaluate({
      forward,
      batches: batches(),
      progress: ({ count }) => seen.push(count),
    });
    const losses = [Math.log(1 + Math.exp(-1) + Math.exp(-2)), Math.log(2 + Math.exp(-5)), 0];
    expect(result).toEqual({
      top1: 2 / 3,
      count: 3,
      loss: expect.closeTo(losses.reduce((a, b) => a + b) / 3, 12),
      perClass: [
        { correct: 1, count: 1 },
        { correct: 0, count: 0 },
        { correct: 1, count: 2 },
      ],
    });
    expect(seen).toEqual([2, 3]);
    expect(imagesPerSecond).toBeGreaterThan(0);
    expect(memory().numTensors).toBe(before);
  });

  it.each<[string, Batch[], string]>([
    ['TRAINER_EVALUATION_EMPTY', [], 'no image'],
    ['TRAINER_LABEL_OUT_OF_RANGE', [batch([[1, 2]], [2])], 'image 0 has label 2'],
    [
      'TRAINER_NOT_FINITE',
      [batch([[1, 2]], [0]), batch([[1, Number.NaN]], [0])],
      'class 1 for image 1 is NaN',
    ],
    ['TRAINER_BATCH_INVALID', [batch([[1, 2]], [0, 1])], 'logits have shape [1,2] and targets int32 [2]'],
    ['TRAINER_BATCH_INVALID', [{ images: tensor([[1, 2]]), targets: tensor([[0, 1]]) }], 'float32 [1,2]'],
  ])('refuses with %s', async (code, batches, message) => {
    await expect(evaluate({ forward, batches })).rejects.toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });

  it('ends with the signal', async () => {
    const controller = new AbortController();
    const result = evaluate({
      forward,
      batches: [batch([[1, 2]], [0]), batch([[1, 2]], [0])],
      progress: () => controller.abort(new Error('enough')),
      signal: controller.signal,
    });
    await expect(result).rejects.toThrow('enough');
  });
});
