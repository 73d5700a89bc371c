import { describe, expect, it } from 'vitest';
import { npy } from '../test/npy.ts';
import { cifar10ClassNames, cifarCFromNpy, DatasetError } from './index.ts';

const images = npy(
  '|u1',
  [10, 1, 2, 3],
  Uint8Array.from({ length: 60 }, (_, i) => i),
);
const labels = npy('|u1', [10], Uint8Array.of(3, 4, 3, 4, 3, 4, 3, 4, 3, 4));
const codeOf = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    return error instanceof DatasetError ? error.code : String(error);
  }
  return 'nothing thrown';
};

describe('CIFAR-10-C arrays', () => {
  it('hold the severities one after another', async () => {
    for (const severity of [1, 2, 3, 4, 5] as const) {
      const dataset = cifarCFromNpy(images, labels, { severity, name: 'fog' });
      expect(dataset).toMatchObject({ name: `fog-${severity}`, length: 2, height: 1, width: 2, channels: 3 });
      expect([...dataset.labels]).toEqual([3, 4]);
      expect((await dataset.images([1]))[0]).toBe((severity - 1) * 12 + 6);
    }
  });

  it('are copied, so that the file can be freed or reused', async () => {
    const file = Buffer.from(images);
    const dataset = cifarCFromNpy(file, labels, { severity: 1 });
    file.fill(0);
    expect([...(await dataset.images([1]))]).toEqual([6, 7, 8, 9, 10, 11]);
  });

  it('may have 64-bit labels', () => {
    const wide = npy(
      '<i8',
      [10],
      BigInt64Array.from({ length: 10 }, (_, i) => BigInt(i)),
    );
    expect([...cifarCFromNpy(images, wide, { severity: 5 }).labels]).toEqual([8, 9]);
  });

  it('may be grey, of other sizes and classes: named as told, else by CIFAR-10 where they can be it, else by number', () => {
    const opened = (
      height: number,
      width: number,
      channels: number,
      labels: number[],
      classNames?: string[],
    ) =>
      cifarCFromNpy(
        npy('|u1', [5, height, width, channels], new Uint8Array(5 * height * width * channels)),
        npy('<i4', [5], Int32Array.from(labels)),
        { severity: 2, classNames },
      );
    const few = [0, 1, 2, 3, 9];
    const numbers = (count: number) => Array.from({ length: count }, (_, i) => String(i));
    expect(opened(32, 32, 3, few).classNames).toEqual(cifar10ClassNames);
    expect(opened(32, 32, 3, [0, 1, 2, 3, 99]).classNames).toEqual(numbers(100));
    expect(opened(64, 64, 3, few).classNames).toEqual(numbers(10));
    expect(opened(28, 28, 1, few)).toMatchObject({ channels: 1, height: 28, classNames: numbers(10) });
    expect(opened(28, 28, 1, [0, 0, 1, 1, 1], ['no', 'yes']).classNames).toEqual(['no', 'yes']);
    expect(codeOf(() => opened(28, 28, 1, few, ['no', 'yes']))).toBe('nothing thrown'); // Severity 2 holds label 1 alone.
    expect(codeOf(() => opened(28, 28, 1, [0, 2, 0, 0, 0], ['no', 'yes']))).toBe('DS_BAD_LABEL');
  });

  it('are refused in another form', () => {
    const made = (a: Uint8Array, b: Uint8Array, severity = 1) =>
      codeOf(() => cifarCFromNpy(a, b, { severity: severity as 1 }));
    for (const severity of [0, 6, 1.5, Number.NaN])
      expect(made(images, labels, severity)).toBe('DS_BAD_OPTION');
    expect(made(npy('<f4', [10, 1, 1, 3], new Float32Array(30)), labels)).toBe('DS_BAD_DATA');
    expect(made(npy('|u1', [10, 2, 3], new Uint8Array(60)), labels)).toBe('DS_BAD_DATA');
    expect(made(npy('|u1', [10, 1, 3, 2], new Uint8Array(60)), labels)).toBe('DS_BAD_DATA');
    expect(made(npy('|u1', [4, 1, 1, 3], new Uint8Array(12)), npy('|u1', [4], new Uint8Array(4)))).toBe(
      'DS_BAD_DATA',
    );
    expect(made(images, npy('|u1', [9], new Uint8Array(9)))).toBe('DS_BAD_DATA');
    expect(made(images, npy('<f4', [10], new Float32Array(10)))).toBe('DS_BAD_DATA');
    expect(made(images, npy('|i1', [10], new Int8Array(10).fill(-1)))).toBe('DS_BAD_LABEL');
    expect(made(images, npy('<i4', [10], new Int32Array(10).fill(2 ** 30)))).toBe('DS_BAD_LABEL');
  });
});
