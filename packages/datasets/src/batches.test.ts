import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { numbered } from '../test/numbered.ts';
import {
  augment,
  type Batch,
  type BatchesOptions,
  batches,
  epochOrder,
  type ImageDataset,
  memoryDataset,
  subset,
} from './index.ts';

async function all(dataset: ImageDataset, options: BatchesOptions): Promise<Batch[]> {
  const found: Batch[] = [];
  for await (const batch of batches(dataset, options)) found.push(batch);
  return found;
}

/** A data set that answers later, and notes what it was asked for. */
function slow(dataset: ImageDataset, failAt = Number.POSITIVE_INFINITY) {
  const asked: number[][] = [];
  const lazy: ImageDataset = {
    ...dataset,
    async images(indices) {
      asked.push(Array.from(indices));
      if (asked.length > failAt) throw new Error('image 3 is damaged');
      await new Promise((resolve) => setTimeout(resolve, 1));
      return dataset.images(indices);
    },
  };
  return { lazy, asked };
}

describe('batches', () => {
  it('hands out one epoch: images, labels and indices of every batch', async () => {
    const found = await all(numbered(10), { batchSize: 4, seed: 2, epoch: 1 });
    expect(found.map(({ step, indices }) => [step, indices.length])).toEqual([
      [0, 4],
      [1, 4],
      [2, 2],
    ]);
    expect(found.flatMap(({ indices }) => [...indices])).toEqual([...epochOrder(10, 2, 1)]);
    for (const { images, labels, indices } of found) {
      expect([...images]).toEqual([...indices].flatMap((i) => [i, 255 - i]));
      expect([...labels]).toEqual([...indices].map((i) => i % 3));
    }
  });

  it('keeps the stored order without a seed', async () => {
    const found = await all(numbered(5), { batchSize: 2 });
    expect(found.map(({ indices }) => [...indices])).toEqual([[0, 1], [2, 3], [4]]);
  });

  it('resumed at a step, gives what an uninterrupted epoch gives from there on', async () => {
    const options = { batchSize: 3, seed: 4, epoch: 7, augment: { cropPadding: 1, flip: true } };
    const whole = await all(numbered(20), options);
    for (const firstStep of [0, 3, 6]) {
      expect(await all(numbered(20), { ...options, firstStep })).toEqual(whole.slice(firstStep));
    }
    expect(await all(numbered(20), { ...options, firstStep: 7 })).toEqual([]);
    expect(() => batches(numbered(20), { ...options, firstStep: 8 })).toThrow("behind the epoch's 7 steps");
  });

  it('augments by seed, epoch and index, as augment does', async () => {
    const dataset = numbered(6);
    const how = { cropPadding: 1, flip: true };
    const [batch] = await all(dataset, { batchSize: 6, seed: 4, epoch: 2, augment: how });
    const { indices } = batch!;
    const stored = await dataset.images(indices);
    expect(batch!.images).toEqual(augment(stored, dataset, { ...how, seed: 4, epoch: 2, indices }));
  });

  it('refuses augmentation without a seed, instead of leaving it out', () => {
    const options = { batchSize: 2, augment: { cropPadding: 1, flip: true } } as unknown as BatchesOptions;
    expect(() => batches(numbered(3), options)).toThrow(
      expect.objectContaining({ code: 'DS_BAD_OPTION', message: expect.stringContaining('needs a seed') }),
    );
  });

  it('refuses a data set that gives fewer or more bytes than its images have, augmented or not', async () => {
    for (const bytes of [3, 5]) {
      const wrong: ImageDataset = { ...numbered(4), images: () => new Uint8Array(bytes) };
      const augment = { cropPadding: 1, flip: true };
      for (const options of [{ batchSize: 2 }, { batchSize: 2, seed: 1, epoch: 0, augment }]) {
        await expect(all(wrong, options)).rejects.toThrow(
          `numbered: 2 images of 1 x 2 x 1 have 4 bytes, but it gave ${bytes}`,
        );
      }
    }
  });

  it('drops a last batch that is not full when told to, and refuses to drop everything', async () => {
    expect(await all(numbered(10), { batchSize: 4, dropLast: true })).toHaveLength(2);
    expect(() => batches(numbered(3), { batchSize: 4, dropLast: true })).toThrow(
      'dropLast leaves nothing of 3 images',
    );
    expect(await all(subset(numbered(3), []), { batchSize: 4 })).toEqual([]);
  });

  it('reads one batch ahead, not more', async () => {
    const { lazy, asked } = slow(numbered(8));
    const iterator = batches(lazy, { batchSize: 2 });
    await iterator.next();
    expect(asked).toEqual([
      [0, 1],
      [2, 3],
    ]);
    await iterator.next();
    expect(asked).toHaveLength(3);
    await iterator.return();
  });

  it('throws a read error when that batch is due, and never when nobody asks for it', async () => {
    const { lazy } = slow(numbered(8), 1);
    const iterator = batches(lazy, { batchSize: 2 });
    expect((await iterator.next()).value).toMatchObject({ step: 0 });
    await expect(iterator.next()).rejects.toThrow('image 3 is damaged');

    const left = batches(slow(numbered(8), 1).lazy, { batchSize: 2 });
    await left.next();
    await left.return();
    await new Promise((resolve) => setTimeout(resolve, 5));
  });

  describe('with all of the published augmentation', () => {
    const dataset = memoryDataset({
      name: 'noise',
      height: 6,
      width: 5,
      channels: 3,
      classNames: ['a', 'b', 'c'],
      images: Uint8Array.from({ length: 10 * 90 }, (_, i) => (i * i * 31 + i * 17) >> 3),
      labels: Array.from({ length: 10 }, (_, i) => i % 3),
    });
    const augment = {
      flip: true,
      randomResizedCrop: { size: 8 },
      randAugment: { magnitude: 9, magnitudeStd: 0.5 },
      mixing: { mixup: 0.8, cutmix: 1, labelSmoothing: 0.1 },
      randomErasing: { probability: 0.5 },
      repeats: 3,
    };
    const options = { batchSize: 4, seed: 4, epoch: 7, augment };

    it('has images of the new size, soft targets that sum to 1, and erasures', async () => {
      const found = await all(dataset, { ...options, classes: 5 });
      for (const { images, targets, labels } of found) {
        expect(images).toHaveLength(labels.length * 8 * 8 * 3);
        expect(targets).toHaveLength(labels.length * 5);
        for (let i = 0; i < labels.length; i++) {
          const row = targets!.subarray(i * 5, (i + 1) * 5);
          expect(row.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
          expect(row[4]).toBeCloseTo(0.02, 6);
          expect(row[labels[i]!]).toBeGreaterThanOrEqual(row[4]!);
        }
      }
      const erasures = found.flatMap(({ erasures }) => erasures!);
      expect(erasures.length).toBeGreaterThan(0);
      for (const { image } of erasures) expect(image).toBeLessThan(4);
    });

    it('resumed at a step, goes on with the same bits', async () => {
      const whole = await all(dataset, options);
      for (const firstStep of [1, 2]) {
        expect(await all(dataset, { ...options, firstStep })).toEqual(whole.slice(firstStep));
      }
      expect(await all(dataset, options)).toEqual(whole);
      expect(await all(dataset, { ...options, epoch: 8 })).not.toEqual(whole);
    });

    it('gives the bits that it gave when results were recorded', async () => {
      const hash = createHash('sha256');
      for (const { images, targets, erasures } of await all(dataset, options)) {
        hash.update(images).update(targets!).update(JSON.stringify(erasures));
      }
      expect(hash.digest('hex')).toBe('bc7e30d21e818d6410f59373495bc3ccf2230da0f18cb5655beab3d3b55cfbb5');
    });

    it('visits a third of the images three times in a row, each time augmented anew', async () => {
      const unmixed = { flip: true, randomResizedCrop: { size: 8 }, repeats: 3 };
      const [batch] = await all(dataset, { ...options, batchSize: 10, augment: unmixed });
      const { images, indices, ...rest } = batch!;
      const order = epochOrder(10, 4, 7);
      expect([...indices]).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2, 3].map((i) => order[i]));
      const each = [0, 1, 2].map((i) => images.subarray(i * 192, (i + 1) * 192).join());
      expect(new Set(each).size).toBe(3);
      expect(Object.keys(rest).sort()).toEqual(['labels', 'step']);
    });

    it('mixes what augmentation of each image alone has made', async () => {
      const { mixing, ...alone } = augment;
      const mixed = await all(dataset, options);
      const unmixed = await all(dataset, { ...options, augment: alone });
      expect(mixed.map(({ erasures }) => erasures)).toEqual(unmixed.map(({ erasures }) => erasures));
      for (const [step, { images, targets }] of mixed.entries()) {
        const parts = unmixed[step]!.images;
        const count = parts.length / 192;
        for (let i = 0; i < images.length; i++) {
          const partner = (count - 1 - Math.floor(i / 192)) * 192 + (i % 192);
          const [low, high] = [parts[i]!, parts[partner]!].sort((a, b) => a - b);
          expect(images[i]! >= low! && images[i]! <= high!).toBe(true);
        }
        expect(targets).toBeDefined();
        expect(unmixed[step]).not.toHaveProperty('targets');
      }
      expect(mixed.map(({ images }) => images)).not.toEqual(unmixed.map(({ images }) => images));
    });

    it('refuses options out of range before it reads anything', () => {
      const refused = (changed: object) => () =>
        batches(dataset, { ...options, augment: { ...augment, ...changed } });
      expect(refused({ repeats: 0 })).toThrow('repeats must be');
      expect(refused({ randomErasing: { probability: -1 } })).toThrow('randomErasing.probability');
      expect(refused({ mixing: { mixup: 0, cutmix: 0 } })).toThrow('mixup or cutmix');
      expect(refused({ cropPadding: 4 })).toThrow('two ways to crop');
      expect(() => batches(dataset, { ...options, classes: 2 })).toThrow('classes must be');
    });
  });
});

it('random resized crops are cut from whole images where the data set has them, in subsets too; other batches are not', async () => {
  const whole = (index: number) => ({
    height: 9 + index,
    width: 7,
    channels: 1,
    data: Uint8Array.from({ length: (9 + index) * 7 }, (_, i) => (i * i * 31 + index) >> 2),
  });
  const dataset: ImageDataset = { ...numbered(6), original: async (index) => whole(index) };
  const indices = [4, 1, 5];
  const crop = { randomResizedCrop: { size: 4 }, flip: true };
  const [batch] = await all(subset(dataset, indices), { batchSize: 3, seed: 2, epoch: 0, augment: crop });
  for (const [i, position] of batch!.indices.entries()) {
    const { data, ...shape } = whole(indices[position]!);
    const expected = augment(data, shape, { ...crop, seed: 2, epoch: 0, indices: [position] });
    expect(batch!.images.subarray(i * 16, (i + 1) * 16)).toEqual(expected);
  }
  const plain = { batchSize: 6, seed: 2, epoch: 0, augment: { flip: true, cropPadding: 1 } };
  expect(await all(dataset, plain)).toEqual(await all(numbered(6), plain));
});
