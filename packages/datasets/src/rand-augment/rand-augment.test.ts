import { random } from '@proj/random';
import { describe, expect, it } from 'vitest';
import { golden, source } from '../../test/golden-pillow.ts';
import { augment } from '../index.ts';
import { operation, operationNames } from './operations.ts';
import { checkRandAugment, randAugment } from './rand-augment.ts';

const sameBytes = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

/** What one operation at full probability and magnitude 9 can make of the golden image, by operation. */
const possible = operationNames.flatMap((name) =>
  [1, -1].flatMap((sign) =>
    (['bilinear', 'bicubic'] as const).map((interpolation) => {
      const { argument, apply } = operation(name);
      const out = apply(source, argument?.(0.9, sign) ?? 0, { interpolation, fill: golden.fill });
      return { name, key: Buffer.from(out).toString('base64') };
    }),
  ),
);
const nameOf = new Map(possible.map(({ key, name }) => [key, name]));

describe('RandAugment', () => {
  it('draws every operation as often as any other, both ways and with both interpolations, and nothing else', () => {
    const draws = 3000;
    const seen = new Set<string>();
    const counts = new Map<string, number>(operationNames.map((name) => [name, 0]));
    for (let i = 0; i < draws; i++) {
      const out = randAugment(source, { magnitude: 9, layers: 1, probability: 1 }, random(5, i));
      const key = Buffer.from(out).toString('base64');
      const name = nameOf.get(key);
      expect(name, `draw ${i}`).toBeDefined();
      seen.add(key);
      counts.set(name!, counts.get(name!)! + 1);
    }
    expect(seen.size).toBe(nameOf.size);
    // Uniform: chi-square with 14 degrees of freedom stays below 43 with probability 0.9999.
    const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - 200) ** 2 / 200, 0);
    expect(chiSquare).toBeLessThan(43);
  });

  it('applies each of two layers to every second image', () => {
    const draws = 2000;
    let untouched = 0;
    for (let i = 0; i < draws; i++) {
      const out = randAugment(source, { magnitude: 9 }, random(6, i));
      if (sameBytes(out, source.data)) untouched++;
    }
    expect(Math.abs(untouched - draws / 4)).toBeLessThan(5 * Math.sqrt((draws * 3) / 16));
  });

  it('varies the magnitude by its deviation, within 0 and 10', () => {
    // Of the operations only SolarizeAdd makes 1 something between: 1 + 11 magnitude, cut off.
    const dark = { height: 1, width: 1, channels: 1, data: Uint8Array.of(1) };
    const added: number[] = [];
    for (let i = 0; i < 6000; i++) {
      const how = { magnitude: 9, magnitudeStd: 0.5, layers: 1, probability: 1 };
      const level = randAugment(dark, how, random(7, i))[0]!;
      if (level > 2 && level < 200) added.push(level);
    }
    expect(Math.abs(added.length - 400)).toBeLessThan(5 * Math.sqrt(400));
    expect(Math.max(...added)).toBe(111);
    expect(added.filter((level) => level === 111).length).toBeGreaterThan(1); // beyond two deviations: held at 10
    expect(Math.min(...added)).toBeLessThan(1 + 11 * 8);
    const mean = added.reduce((sum, level) => sum + level, 0) / added.length;
    expect(Math.abs(mean - (1 + 11 * 9))).toBeLessThan(5 * ((11 * 0.5) / Math.sqrt(added.length)) + 0.5);
  });

  it('goes on from what the crop and the flip have left, by seed, epoch and index', () => {
    const shape = { height: source.height, width: source.width, channels: 3 };
    const one = (index: number, options = {}) =>
      augment(source.data, shape, {
        seed: 1,
        epoch: 0,
        indices: [index],
        cropPadding: 2,
        flip: true,
        ...options,
      });
    const rand = { randAugment: { magnitude: 9, magnitudeStd: 0.5 } };
    for (let index = 0; index < 20; index++) {
      const data = one(index);
      const expected = randAugment({ ...shape, data }, rand.randAugment, random(1, 'rand-augment', 0, index));
      expect(sameBytes(one(index, rand), expected)).toBe(true);
    }
    const again = Array.from({ length: 20 }, (_, i) =>
      sameBytes(one(i, rand), one(i, { ...rand, epoch: 1 })),
    );
    expect(again).toContain(false);
  });

  it('refuses what timm would not take', () => {
    expect(() => checkRandAugment({ magnitude: 11 }, 3)).toThrow('magnitude must be from 0 to 10, got 11');
    expect(() => checkRandAugment({ magnitude: 9, magnitudeStd: -1 }, 3)).toThrow('magnitudeStd must be');
    expect(() => checkRandAugment({ magnitude: 9, probability: 2 }, 3)).toThrow('probability must be');
    expect(() => checkRandAugment({ magnitude: 9, layers: 1.5 }, 3)).toThrow('layers must be');
    expect(() => checkRandAugment({ magnitude: 9, fill: [0] }, 3)).toThrow('fill has 1 levels, the images 3');
  });
});
