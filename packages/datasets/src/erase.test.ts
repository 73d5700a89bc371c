import { random } from '@proj/random';
import { describe, expect, it } from 'vitest';
import { drawErasure, erase } from './erase.ts';

const shape = { height: 12, width: 10, channels: 3 };
const box = { image: 1, top: 2, left: 3, height: 4, width: 5, seed: 9 };

describe('random erasing', () => {
  it('fills the box, in every channel of that image, and nothing else', () => {
    const images = new Float32Array(3 * 3 * 120).fill(7);
    erase(images, shape, [box]);
    for (let i = 0; i < images.length; i++) {
      const [image, y, x] = [Math.floor(i / 360), Math.floor((i % 120) / 10), i % 10];
      const inside = image === 1 && y >= 2 && y < 6 && x >= 3 && x < 8;
      expect(images[i] !== 7).toBe(inside);
    }
    const again = new Float32Array(3 * 3 * 120).fill(7);
    erase(again, shape, [box]);
    expect(again).toEqual(images);
  });

  it('fills it with standard normal noise, another in every channel', () => {
    const large = { height: 200, width: 200, channels: 2 };
    const images = new Float32Array(2 * 40_000);
    erase(images, large, [{ image: 0, top: 0, left: 0, height: 200, width: 200, seed: 4 }]);
    const mean = images.reduce((sum, value) => sum + value, 0) / images.length;
    const variance = images.reduce((sum, value) => sum + (value - mean) ** 2, 0) / images.length;
    expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(images.length));
    expect(variance).toBeCloseTo(1, 1);
    expect(images.subarray(0, 40_000)).not.toEqual(images.subarray(40_000));
  });

  it('draws boxes of 2 % to a third of the area, anywhere inside, for a quarter of the images', () => {
    const size = { height: 224, width: 224 };
    const draws = 4000;
    const boxes = Array.from({ length: draws }, (_, i) =>
      drawErasure(i, size, { probability: 0.25 }, random(2, i)),
    ).filter((erasure) => erasure !== undefined);
    expect(Math.abs(boxes.length - draws / 4)).toBeLessThan(5 * Math.sqrt((draws * 3) / 16));
    const areas = boxes.map(({ height, width }) => (height * width) / 224 ** 2);
    expect(Math.min(...areas)).toBeGreaterThan(0.019);
    expect(Math.max(...areas)).toBeLessThan(0.336);
    expect(areas.filter((area) => area > 0.2).length).toBeGreaterThan(boxes.length / 4);
    for (const { top, left, height, width } of boxes) {
      expect(top + height <= 224 && left + width <= 224).toBe(true);
      expect(Math.abs(Math.log(height / width))).toBeLessThan(Math.log(1 / 0.3) + 0.1);
    }
    expect(new Set(boxes.map(({ seed }) => seed)).size).toBe(boxes.length);
  });

  it('refuses boxes that do not lie in the images', () => {
    const images = new Float32Array(3 * 120);
    expect(() => erase(images, shape, [box])).toThrow('does not lie in 1 images of 12 x 10 x 3');
    expect(() => erase(images, shape, [{ ...box, image: 0, left: 6 }])).toThrow('does not lie in');
    expect(images).toEqual(new Float32Array(3 * 120));
  });
});
