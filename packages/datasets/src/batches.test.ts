import { describe, expect, it } from 'vitest';
import { numbered } from '../test/numbered.ts';
import {
  augment,
  type Batch,
  type BatchesOptions,
  batches,
  epochOrder,
  type ImageDataset,
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
});
