import { describe, expect, it } from 'vitest';
import { npy } from '../test/npy.ts';
import { cifarCFromNpy, DatasetError } from './index.ts';

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

  it('are refused in another form', () => {
    const made = (a: Uint8Array, b: Uint8Array, severity = 1) =>
      codeOf(() => cifarCFromNpy(a, b, { severity: severity as 1 }));
    for (const severity of [0, 6, 1.5, Number.NaN])
      expect(made(images, labels, severity)).toBe('DS_BAD_OPTION');
    expect(made(npy('<f4', [10, 1, 1, 3], new Float32Array(30)), labels)).toBe('DS_BAD_DATA');
    expect(made(npy('|u1', [10, 2, 3], new Uint8Array(60)), labels)).toBe('DS_BAD_DATA');
    expect(made(npy('|u1', [10, 2, 3, 1], new Uint8Array(60)), labels)).toBe('DS_BAD_DATA');
    expect(made(npy('|u1', [4, 1, 1, 3], new Uint8Array(12)), npy('|u1', [4], new Uint8Array(4)))).toBe(
      'DS_BAD_DATA',
    );
    expect(made(images, npy('|u1', [9], new Uint8Array(9)))).toBe('DS_BAD_DATA');
    expect(made(images, npy('<f4', [10], new Float32Array(10)))).toBe('DS_BAD_DATA');
    expect(made(images, npy('|u1', [10], new Uint8Array(10).fill(10)))).toBe('DS_BAD_LABEL');
  });
});
