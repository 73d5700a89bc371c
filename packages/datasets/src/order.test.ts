import { describe, expect, it } from 'vitest';
import { batchIndices, epochOrder, repeatedOrder, stepsPerEpoch } from './index.ts';

describe('the order of an epoch', () => {
  it('visits every image once, in an order that depends on seed and epoch alone', () => {
    const order = epochOrder(50, 3, 2);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(epochOrder(50, 3, 2)).toEqual(order);
    expect(epochOrder(50, 3, 3)).not.toEqual(order);
    expect(epochOrder(50, 4, 2)).not.toEqual(order);
    expect([...epochOrder(8, 42, 0)]).toMatchInlineSnapshot(`
      [
        1,
        4,
        6,
        3,
        7,
        5,
        2,
        0,
      ]
    `);
  });

  it('can be entered at any step, without the steps before it', () => {
    const position = { length: 23, batchSize: 5, seed: 9, epoch: 1 };
    const steps = [0, 1, 2, 3, 4].map((step) => [...batchIndices({ ...position, step })]);
    expect(steps.flat()).toEqual([...epochOrder(23, 9, 1)]);
    expect(steps.at(-1)).toHaveLength(3);
  });

  it('counts a last batch that is not full unless told to drop it', () => {
    expect(stepsPerEpoch({ length: 23, batchSize: 5 })).toBe(5);
    expect(stepsPerEpoch({ length: 23, batchSize: 5, dropLast: true })).toBe(4);
    expect(() =>
      batchIndices({ length: 23, batchSize: 5, dropLast: true, seed: 1, epoch: 0, step: 4 }),
    ).toThrow('step 4 is not in an epoch of 4 steps');
  });

  it('refuses counts that are none', () => {
    expect(() => stepsPerEpoch({ length: 1, batchSize: 0 })).toThrow(
      'batchSize must be an integer of at least 1, got 0',
    );
    expect(() => epochOrder(3, 1, -1)).toThrow('epoch must be');
    expect(() => epochOrder(1.5, 1, 0)).toThrow('length must be');
  });

  it('with repeats is as long as without, every image so many times in a row', () => {
    const { indices, occurrences } = repeatedOrder(8, 1, 2, 3);
    const order = epochOrder(8, 1, 2);
    expect([...indices]).toEqual([0, 0, 0, 1, 1, 1, 2, 2].map((i) => order[i]));
    expect([...occurrences]).toEqual([0, 1, 2, 0, 1, 2, 0, 1]);
    expect(repeatedOrder(8, 1, 2, 1)).toEqual({ indices: order, occurrences: new Uint32Array(8) });
    const position = { length: 8, batchSize: 4, seed: 1, epoch: 2, repeats: 3 };
    expect([0, 1].flatMap((step) => [...batchIndices({ ...position, step })])).toEqual([...indices]);
    expect(() => repeatedOrder(8, 1, 2, 0)).toThrow('repeats must be');
  });
});
