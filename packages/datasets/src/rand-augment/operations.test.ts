import { describe, expect, it } from 'vitest';
import { golden, sha256, source } from '../../test/golden-pillow.ts';
import { operation, operationNames } from './operations.ts';

describe("RandAugment's operations", () => {
  it.each(golden.operations)(
    '$name of $argument ($interpolation) equals Pillow byte for byte',
    ({ name, argument, interpolation, sha256: expected }) => {
      const before = source.data.slice();
      const out = operation(name).apply(source, argument, { interpolation, fill: golden.fill });
      expect(sha256(out)).toBe(expected);
      expect(Buffer.compare(source.data, before)).toBe(0);
    },
  );

  it('are all compared', () => {
    expect(new Set(golden.operations.map(({ name }) => name))).toEqual(new Set(operationNames));
  });

  it('grow with the level, both ways where they have a sign', () => {
    const at = (level: number, sign: number) =>
      operationNames.map((name) => operation(name).argument?.(level, sign));
    const none = undefined;
    expect(at(0, 1)).toEqual([none, none, none, 0, 4, 256, 0, 1, 1, 1, 1, 0, 0, 0, 0]);
    expect(at(1, 1)).toEqual([none, none, none, 30, 0, 0, 110, 1.9, 1.9, 1.9, 1.9, 0.3, 0.3, 0.45, 0.45]);
    const enhanced = 1 - 0.9 * 0.9;
    expect(at(0.9, -1)).toEqual([
      ...[none, none, none, -27, 1, 26, 99],
      ...[enhanced, enhanced, enhanced, enhanced],
      ...[-0.3 * 0.9, -0.3 * 0.9, -0.45 * 0.9, -0.45 * 0.9],
    ]);
    expect(operation('BrightnessIncreasing').argument?.(1, -1)).toBe(0.1);
  });

  it('leave an image of one level and one of one channel what they are to Pillow', () => {
    const flat = { height: 2, width: 3, channels: 1, data: new Uint8Array(6).fill(77) };
    const how = { interpolation: 'bilinear', fill: [9] } as const;
    for (const name of ['AutoContrast', 'Equalize', 'ColorIncreasing'] as const) {
      expect([...operation(name).apply(flat, 1.9, how)]).toEqual([77, 77, 77, 77, 77, 77]);
    }
    expect([...operation('TranslateXRel').apply(flat, 1 / 3, how)]).toEqual([77, 77, 9, 77, 77, 9]);
  });
});
