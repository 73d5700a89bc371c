import { describe, expect, it } from 'vitest';
import { cifar10FromBytes, cifar100FromBytes, packFromBytes } from './index.ts';

const record = (labels: number[], shift: number) => [
  ...labels,
  ...Array.from({ length: 3072 }, (_, i) => (i + shift) % 251),
];

describe('CIFAR binaries', () => {
  it('become interleaved RGB images, batch after batch', () => {
    const dataset = cifar10FromBytes([
      Uint8Array.from([...record([3], 0), ...record([9], 1)]),
      Uint8Array.from(record([0], 2)),
    ]);
    expect(dataset).toMatchObject({ length: 3, height: 32, width: 32, channels: 3, name: 'cifar10' });
    expect([...dataset.labels]).toEqual([3, 9, 0]);
    expect(dataset.classNames[9]).toBe('truck');
    const image = dataset.images([2]) as Uint8Array;
    const planes = record([0], 2).slice(1);
    for (const [y, x] of [
      [0, 0],
      [5, 31],
      [31, 7],
    ] as const) {
      const p = y * 32 + x;
      expect([...image.subarray(3 * p, 3 * p + 3)]).toEqual([planes[p], planes[1024 + p], planes[2048 + p]]);
    }
  });

  it('of CIFAR-100 carry a coarse and a fine label', () => {
    const file = Uint8Array.from([...record([19, 99], 0), ...record([0, 4], 0)]);
    expect([...cifar100FromBytes([file]).labels]).toEqual([99, 4]);
    expect(cifar100FromBytes([file]).classNames).toHaveLength(100);
    const coarse = cifar100FromBytes([file], { labels: 'coarse' });
    expect([...coarse.labels]).toEqual([19, 0]);
    expect(coarse.classNames[19]).toBe('vehicles_2');
  });

  it('are refused when cut off, empty or labelled beyond the classes', () => {
    const whole = Uint8Array.from(record([1], 0));
    expect(() => cifar10FromBytes([whole, whole.subarray(1)])).toThrow(
      'file 1 has 3072 bytes, which is no whole number of 3073-byte records',
    );
    expect(() => cifar10FromBytes([new Uint8Array(0)])).toThrow('file 0 has 0 bytes');
    expect(() => cifar10FromBytes([Uint8Array.from(record([10], 0))])).toThrow(
      'label 10 of image 0 names no class',
    );
    expect(() => cifar100FromBytes([whole])).toThrow('3074-byte records');
  });
});

describe('packs', () => {
  it('store labels first, and predict every plane from its neighbours', () => {
    // Residual 5 at the top left of each plane and 0 elsewhere: the detector predicts a flat plane.
    const pack = new Uint8Array(3073);
    pack[0] = 7;
    for (const plane of [0, 1, 2]) pack[1 + 1024 * plane] = 5;
    const records = packFromBytes(pack, 1);
    expect(records[0]).toBe(7);
    const planes = [0, 1, 2].map((c) => new Set(records.subarray(1 + 1024 * c, 1 + 1024 * (c + 1))));
    expect(planes).toEqual([new Set([10]), new Set([5]), new Set([10])]);
  });

  it('are refused when they are no whole number of records', () => {
    expect(() => packFromBytes(new Uint8Array(3073), 2)).toThrow('no whole number of 3074-byte records');
    expect(() => packFromBytes(new Uint8Array(0), 1)).toThrow('a pack of 0 bytes');
  });
});
