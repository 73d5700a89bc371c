import { memoryDataset } from '@proj/datasets';
import { describe, expect, it } from 'vitest';
import { LogitsComparison, rightImagesOf } from './compare-logits.ts';
import { joined } from './joined.ts';

const logits = (rows: readonly (readonly number[])[]) => ({ values: rows.flat(), classes: rows[0]!.length });

describe('a model beside the float one', () => {
  it('counts right answers, agreement, cross-entropy and divergence by their definitions', () => {
    const comparison = new LogitsComparison([0, 1]);
    // Probabilities 3/4 and 1/4, as e^log 3 is 3.
    comparison.add(
      [0, 1],
      logits([
        [Math.log(3), 0],
        [0, 0],
      ]),
      logits([
        [0, 0],
        [0, Math.log(3)],
      ]),
    );
    const { images, right, loss, agreement, kl } = comparison.result();
    // Of equal logits the first counts.
    expect([images, right, agreement]).toEqual([2, 1, 0.5]);
    expect(loss).toBeCloseTo((-Math.log(3 / 4) - Math.log(1 / 2)) / 2, 12);
    const half = 0.5 * Math.log(0.5 / 0.75) + 0.5 * Math.log(0.5 / 0.25);
    const other = 0.25 * Math.log(0.25 / 0.5) + 0.75 * Math.log(0.75 / 0.5);
    expect(kl).toBeCloseTo((half + other) / 2, 12);
  });

  it('takes no account of classes that are not compared', () => {
    const comparison = new LogitsComparison([0, 2]);
    const model = logits([[1, 99, 2]]);
    comparison.add([2], model, logits([[1, -99, 2]]));
    const { top1, agreement, kl } = comparison.result();
    expect([top1, agreement]).toEqual([1, 1]);
    expect(kl).toBeCloseTo(0, 12);
    expect(() => comparison.add([1], model, model)).toThrow('label 1 is not among the classes');
  });

  it('remembers which images were right, over bytes and batches', () => {
    const comparison = new LogitsComparison([0, 1]);
    const expected = Array.from({ length: 21 }, (_, i) => i % 3 !== 1);
    for (let at = 0; at < 21; at += 5) {
      const rows = expected.slice(at, at + 5).map((right) => (right ? [1, 0] : [0, 1]));
      comparison.add(
        rows.map(() => 0),
        logits(rows),
        logits(rows),
      );
    }
    expect(rightImagesOf(comparison.result())).toEqual(expected);
  });
});

describe('data sets one after another', () => {
  const dots = (name: string, values: number[], classNames = ['a', 'b']) =>
    memoryDataset({
      ...{ name, height: 1, width: 1, channels: 1, classNames },
      images: Uint8Array.from(values),
      labels: values.map((value) => value % 2),
    });

  it('give their images in any order, and their labels', async () => {
    const all = joined([dots('one', [10, 11]), dots('other', [20, 21, 22])]);
    expect([all.name, all.length, [...all.labels]]).toEqual(['one + other', 5, [0, 1, 0, 1, 0]]);
    expect([...(await all.images([4, 0, 2, 4]))]).toEqual([22, 10, 20, 22]);
    await expect(all.images([5])).rejects.toThrow(RangeError);
  });

  it('refuse to be joined where they differ', () => {
    expect(() => joined([dots('one', [1]), dots('other', [2], ['a'])])).toThrow('in 1 classes');
    expect(() => joined([])).toThrow(RangeError);
  });
});
