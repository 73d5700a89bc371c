import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { numbered } from '../test/numbered.ts';
import { DatasetError, memoryDataset, split, subset } from './index.ts';

const codeOf = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    return error instanceof DatasetError ? error.code : String(error);
  }
  return 'nothing thrown';
};

describe('a data set in memory', () => {
  it('gives images in the order asked for, in memory of their own', () => {
    const dataset = numbered(5);
    expect(dataset.labels).toEqual(Int32Array.of(0, 1, 2, 0, 1));
    const images = dataset.images([4, 0, 4]) as Uint8Array;
    expect([...images]).toEqual([4, 251, 0, 255, 4, 251]);
    images.fill(7);
    expect([...(dataset.images([0]) as Uint8Array)]).toEqual([0, 255]);
  });

  it('refuses labels, bytes, sizes and indices that do not fit', () => {
    const whole = { name: 'x', height: 1, width: 1, channels: 1, classNames: ['a', 'b'] } as const;
    const made = (change: object) => () =>
      memoryDataset({ ...whole, images: new Uint8Array(2), labels: [0, 1], ...change });
    expect(codeOf(made({ labels: [0, 2] }))).toBe('DS_BAD_LABEL');
    expect(codeOf(made({ labels: [0, -1] }))).toBe('DS_BAD_LABEL');
    expect(codeOf(made({ labels: [0, Number.NaN] }))).toBe('DS_BAD_LABEL');
    expect(codeOf(made({ labels: [0] }))).toBe('DS_BAD_DATA');
    expect(codeOf(made({ height: 0 }))).toBe('DS_BAD_OPTION');
    expect(codeOf(made({ width: 1.5 }))).toBe('DS_BAD_OPTION');
    expect(codeOf(made({ channels: 4 }))).toBe('DS_BAD_OPTION');
    for (const index of [2, -1, 0.5, Number.NaN]) {
      expect(
        codeOf(() => made({})().images([0, index])),
        `${index}`,
      ).toBe('DS_BAD_INDEX');
    }
    expect(made({ labels: [0, 2] })).toThrow('x: label 2 of image 1 names no class; there are 2');
  });
});

describe('subset', () => {
  it('has the chosen images and labels in the chosen order, and can be taken of a subset', async () => {
    const odd = subset(numbered(8), [1, 3, 5, 7]);
    const two = subset(odd, [3, 0]);
    expect([...two.labels]).toEqual([7 % 3, 1]);
    expect([...(await two.images([0, 1]))]).toEqual([7, 248, 1, 254]);
  });

  it('refuses indices outside the data set, and positions outside the subset', () => {
    expect(codeOf(() => subset(numbered(3), [3]))).toBe('DS_BAD_INDEX');
    expect(codeOf(() => subset(numbered(3), [1]).images([1]))).toBe('DS_BAD_INDEX');
  });
});

describe('split', () => {
  const members = async (part: ReturnType<typeof numbered>) =>
    [...(await part.images(Array.from(part.labels, (_, i) => i)))].filter((_, i) => i % 2 === 0);

  it('puts every image into exactly one part, in stored order, the same way for the same seed', async () => {
    for (const stratified of [true, false]) {
      const parts = split(numbered(100), [70, 20, 10], 5, { stratified });
      const all = await Promise.all(parts.map(members));
      expect(all.map((part) => part.length)).toEqual([70, 20, 10]);
      expect(all.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
      for (const part of all) expect(part).toEqual([...part].sort((a, b) => a - b));
      const again = await Promise.all(split(numbered(100), [70, 20, 10], 5, { stratified }).map(members));
      expect(again).toEqual(all);
      const other = await Promise.all(split(numbered(100), [70, 20, 10], 6, { stratified }).map(members));
      expect(other).not.toEqual(all);
    }
  });

  it('gives every part each class in proportion', () => {
    const [large, small] = split(numbered(90, 3), [60, 30], 1);
    for (const c of [0, 1, 2]) {
      expect(large!.labels.filter((label) => label === c)).toHaveLength(20);
      expect(small!.labels.filter((label) => label === c)).toHaveLength(10);
    }
  });

  it('rounds every class in the first part to a neighbouring count, whatever the classes and sizes', () => {
    const anySplit = fc.record({
      labels: fc.array(fc.nat(4), { maxLength: 60 }),
      cut: fc.nat(60),
      seed: fc.integer(),
    });
    fc.assert(
      fc.property(anySplit, ({ labels, cut, seed }) => {
        const classNames = [...'abcde'];
        const images = new Uint8Array(labels.length);
        const dataset = memoryDataset({
          name: 'x',
          height: 1,
          width: 1,
          channels: 1,
          classNames,
          images,
          labels,
        });
        const size = Math.min(cut, labels.length);
        const [first, rest] = split(dataset, [size, labels.length - size], seed);
        const count = (part: number[], c: number) => part.filter((label) => label === c).length;
        for (let c = 0; c < 5; c++) {
          const share = labels.length === 0 ? 0 : (count(labels, c) * size) / labels.length;
          expect(Math.abs(count([...first!.labels], c) - share)).toBeLessThan(1);
          expect(count([...first!.labels], c) + count([...rest!.labels], c)).toBe(count(labels, c));
        }
      }),
      { numRuns: 200, seed: 1 },
    );
  });

  it('allows empty parts, and refuses sizes that do not add up', () => {
    expect(split(numbered(4), [0, 4, 0], 1).map((part) => part.length)).toEqual([0, 4, 0]);
    expect(codeOf(() => split(numbered(4), [2, 1], 1))).toBe('DS_BAD_OPTION');
    expect(codeOf(() => split(numbered(4), [5, -1], 1))).toBe('DS_BAD_OPTION');
  });
});
