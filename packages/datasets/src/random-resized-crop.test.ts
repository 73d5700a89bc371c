import { random } from '@proj/random';
import { describe, expect, it } from 'vitest';
import { golden, sha256, source } from '../test/golden-pillow.ts';
import { augment, augmentedSize } from './index.ts';
import { drawInterpolation, drawWindow, resizedCrop } from './random-resized-crop.ts';

const stream = random(11, 'windows');
const draws = 4000;
const windows = (shape: { height: number; width: number }, options = {}) =>
  Array.from({ length: draws }, () => drawWindow(shape, options, stream));
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('a random resized crop', () => {
  it.each(golden.crops)(
    'of $window to $size, $interpolation, equals torchvision on Pillow byte for byte',
    ({ window, size, interpolation, sha256: expected }) => {
      expect(sha256(resizedCrop(source, window, size, interpolation))).toBe(expected);
    },
  );

  it('covers areas and shapes evenly, and lies anywhere in the image', () => {
    const drawn = windows({ height: 1000, width: 1000 });
    const areas = drawn.map(({ height, width }) => (height * width) / 1e6);
    const shapes = drawn.map(({ height, width }) => Math.log(width / height));
    expect(Math.min(...areas)).toBeGreaterThan(0.078);
    expect(Math.max(...areas)).toBeLessThanOrEqual(1);
    expect(Math.max(...shapes.map(Math.abs))).toBeLessThan(Math.log(4 / 3) + 0.01);
    expect(Math.abs(mean(shapes))).toBeLessThan(0.02);
    // A window is drawn again only when a side is too long, which none of at most 3/4 of the area can have.
    const small = areas.filter((area) => area < 0.74);
    const deviation = (0.74 - 0.08) / Math.sqrt(12 * small.length);
    expect(Math.abs(mean(small) - (0.74 + 0.08) / 2)).toBeLessThan(5 * deviation);
    for (const { top, left, height, width } of drawn) {
      expect(top >= 0 && left >= 0 && top + height <= 1000 && left + width <= 1000).toBe(true);
    }
    const room = drawn.filter(({ width }) => width < 900);
    const places = room.map(({ left, width }) => left / (1000 - width));
    expect(Math.abs(mean(places) - 0.5)).toBeLessThan(5 / Math.sqrt(12 * places.length));
  });

  it('falls back to the largest central window of an allowed shape', () => {
    const window = (height: number, width: number) =>
      drawWindow({ height, width }, { scale: [1, 1] }, random(1));
    expect(window(10, 100)).toEqual({ top: 0, left: 43, height: 10, width: 13 });
    expect(window(100, 10)).toEqual({ top: 43, left: 0, height: 13, width: 10 });
    expect(drawWindow({ height: 6, width: 6 }, { scale: [1, 1], ratio: [2, 2] }, random(1))).toEqual({
      top: 1,
      left: 0,
      height: 3,
      width: 6,
    });
  });

  it('is bilinear as often as bicubic, or what is asked for', () => {
    const bilinear = Array.from({ length: draws }, () => drawInterpolation({ size: 1 }, stream)).filter(
      (interpolation) => interpolation === 'bilinear',
    ).length;
    expect(Math.abs(bilinear - draws / 2)).toBeLessThan(5 * Math.sqrt(draws / 4));
    for (const interpolation of ['bilinear', 'bicubic'] as const) {
      for (let i = 0; i < 10; i++)
        expect(drawInterpolation({ size: 1, interpolation }, stream)).toBe(interpolation);
    }
  });

  it('gives images another size, mirrored or not, without touching the draws of the flip', () => {
    const shape = { height: source.height, width: source.width, channels: 3 };
    const how = { seed: 3, epoch: 1, randomResizedCrop: { size: 16 } };
    const indices = Array.from({ length: 40 }, (_, i) => i);
    const images = new Uint8Array(40 * source.data.length);
    for (const i of indices) images.set(source.data, i * source.data.length);
    expect(augmentedSize(shape, how)).toEqual({ height: 16, width: 16 });
    const plain = augment(images, shape, { ...how, indices });
    const flipped = augment(images, shape, { ...how, indices, flip: true });
    expect(plain).toHaveLength(40 * 16 * 16 * 3);
    let mirrored = 0;
    for (const i of indices) {
      const [a, b] = [plain, flipped].map((all) => all.subarray(i * 768, (i + 1) * 768));
      const turned = new Uint8Array(768);
      for (let p = 0; p < 256; p++)
        turned.set(a!.subarray(3 * p, 3 * p + 3), 3 * ((p & ~15) + 15 - (p & 15)));
      if (Buffer.compare(b!, turned) === 0) mirrored++;
      else expect(Buffer.compare(b!, a!)).toBe(0);
    }
    expect(mirrored).toBeGreaterThan(8);
    expect(mirrored).toBeLessThan(32);
  });

  it('refuses empty ranges, and two crops at once', () => {
    const shape = { height: source.height, width: source.width, channels: 3 };
    const crop = (options: object) =>
      augment(source.data, shape, { seed: 1, epoch: 0, indices: [0], ...options });
    expect(() => crop({ randomResizedCrop: { size: 0 } })).toThrow('randomResizedCrop.size must be');
    expect(() => crop({ randomResizedCrop: { size: 4, scale: [0.5, 1.1] } })).toThrow(
      'randomResizedCrop.scale',
    );
    expect(() => crop({ randomResizedCrop: { size: 4, ratio: [2, 1] } })).toThrow('randomResizedCrop.ratio');
    expect(() => crop({ randomResizedCrop: { size: 4 }, cropPadding: 2 })).toThrow('two ways to crop');
  });
});
