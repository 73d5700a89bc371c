import { describe, expect, it } from 'vitest';
import { augment } from './index.ts';

const shape = { height: 4, width: 5, channels: 3 };
const imageBytes = 4 * 5 * 3;
/** Every byte differs from every other, and none is 0. */
const image = Uint8Array.from({ length: imageBytes }, (_, i) => i + 1);
const images = (count: number) =>
  Uint8Array.from({ length: count * imageBytes }, (_, i) => image[i % imageBytes]!);
const one = (index: number, options: object = {}) => {
  const all = { seed: 1, epoch: 0, indices: [index], cropPadding: 2, flip: true, ...options };
  return augment(image, shape, all);
};

/** The image moved by (down, right) over zeros, then mirrored if asked for: what torchvision's two transforms can give. */
function expected(down: number, right: number, mirrored: boolean): string {
  const pixels: number[][][] = [];
  for (let y = 0; y < 4; y++) {
    const row: number[][] = [];
    for (let x = 0; x < 5; x++) {
      const inside = y + down >= 0 && y + down < 4 && x + right >= 0 && x + right < 5;
      const at = ((y + down) * 5 + x + right) * 3;
      row.push(inside ? [...image.subarray(at, at + 3)] : [0, 0, 0]);
    }
    pixels.push(mirrored ? row.reverse() : row);
  }
  return pixels.flat(2).join();
}

describe('augmentation', () => {
  it('cuts a window out of the zero-padded image and mirrors it: every window, both ways, nothing else', () => {
    const possible = new Map<string, number>();
    for (let down = -2; down <= 2; down++) {
      for (let right = -2; right <= 2; right++) {
        for (const mirrored of [false, true]) possible.set(expected(down, right, mirrored), 0);
      }
    }
    expect(possible.size).toBe(50);
    const draws = 5000;
    for (let index = 0; index < draws; index++) {
      const result = one(index).join();
      expect(possible.has(result)).toBe(true);
      possible.set(result, possible.get(result)! + 1);
    }
    // Uniform: chi-square with 49 degrees of freedom stays below 95 with probability 0.9999.
    const chiSquare = [...possible.values()].reduce((sum, count) => sum + (count - 100) ** 2 / 100, 0);
    expect(chiSquare).toBeLessThan(95);
  });

  it('does to an image what its index says, whatever batch it is in', () => {
    const indices = [7, 3, 7, 12];
    const batch = augment(images(4), shape, { seed: 1, epoch: 0, indices, cropPadding: 2, flip: true });
    for (const [i, index] of indices.entries()) {
      expect(batch.subarray(i * imageBytes, (i + 1) * imageBytes)).toEqual(one(index));
    }
    expect([...Array(20).keys()].some((i) => one(i).join() !== one(i, { epoch: 1 }).join())).toBe(true);
    expect([...Array(20).keys()].some((i) => one(i).join() !== one(i, { seed: 2 }).join())).toBe(true);
  });

  it('leaves the crops alone when flipping is switched off, and the images when both are', () => {
    const plain = Array.from({ length: 50 }, (_, i) => one(i, { flip: false }).join());
    const mixed = Array.from({ length: 50 }, (_, i) => one(i).join());
    const unflipped = plain.filter((result, i) => result === mixed[i]);
    expect(unflipped.length).toBeGreaterThan(10);
    expect(unflipped.length).toBeLessThan(40);
    expect(one(5, { flip: false, cropPadding: 0 })).toEqual(image);
  });

  it('refuses bytes that are not one image per index, and a negative padding', () => {
    const options = { seed: 1, epoch: 0, indices: [0, 1], cropPadding: 1, flip: false };
    expect(() => augment(image, shape, options)).toThrow(
      '2 indices and images of 4 x 5 x 3 need 120 bytes, got 60',
    );
    expect(() => one(0, { cropPadding: -1 })).toThrow('cropPadding must be');
  });
});
