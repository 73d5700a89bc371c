import { random } from '@proj/random';
import { describe, expect, it } from 'vitest';
import { golden, sha256, source } from '../test/golden-pillow.ts';
import { checkMixing, drawMix, mixedTargets, mixImages } from './mix.ts';

const shape = { height: 8, width: 6, channels: 3 };
const imageBytes = 8 * 6 * 3;
/** Image i is all i + 1. */
const plain = (count: number) =>
  Uint8Array.from({ length: count * imageBytes }, (_, i) => Math.floor(i / imageBytes) + 1);
const draws = (mixing: Parameters<typeof drawMix>[1], count = 4000) =>
  Array.from({ length: count }, (_, i) => drawMix({ height: 200, width: 300 }, mixing, random(3, i)));
const moments = (values: readonly number[]) => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length };
};

describe('mixup', () => {
  it.each(golden.mixes)('with a share of $share rounds as numpy', ({ share, sha256: expected }) => {
    const { data, height, width, channels } = source;
    const turned = new Uint8Array(data.length);
    for (let p = 0; p < data.length; p += 3) turned.set(data.subarray(p, p + 3), data.length - 3 - p);
    const images = Uint8Array.of(...data, ...turned);
    mixImages(images, { height, width, channels }, { kind: 'mixup', share });
    expect(sha256(images.subarray(0, data.length))).toBe(expected);
  });

  it('mixes image i with image b - 1 - i, both ways, and leaves the middle one', () => {
    const images = plain(5).map((level) => level * 40);
    mixImages(images, shape, { kind: 'mixup', share: 0.75 });
    const levels = [0, 1, 2, 3, 4].map((i) => new Set(images.subarray(i * imageBytes, (i + 1) * imageBytes)));
    expect(levels.map((set) => [...set])).toEqual([[80], [100], [120], [140], [160]]);
  });

  it('draws its share from Beta(0.8, 0.8)', () => {
    const shares = draws({ mixup: 0.8, cutmix: 0 }).map(({ share }) => share);
    const { mean, variance } = moments(shares);
    const expected = 1 / (4 * (2 * 0.8 + 1));
    expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(expected / shares.length));
    expect(variance / expected).toBeCloseTo(1, 1);
  });
});

describe('cutmix', () => {
  it('exchanges the same box of both images, whose area is the share', () => {
    const mix = { kind: 'cutmix', top: 2, bottom: 6, left: 1, right: 4, share: 0.75 } as const;
    const images = plain(4);
    mixImages(images, shape, mix);
    for (const [i, partner] of [3, 2, 1, 0].entries()) {
      for (let y = 0; y < 8; y++) {
        for (let x = 0; x < 6; x++) {
          const inside = y >= 2 && y < 6 && x >= 1 && x < 4;
          for (let c = 0; c < 3; c++) {
            expect(images[i * imageBytes + (y * 6 + x) * 3 + c]).toBe((inside ? partner : i) + 1);
          }
        }
      }
    }
  });

  it("draws boxes of the image's shape, cut off at its edge, with the share that is left", () => {
    let inner = 0;
    for (const mix of draws({ mixup: 0, cutmix: 1 })) {
      if (mix.kind !== 'cutmix') throw new Error(mix.kind);
      const { top, bottom, left, right, share } = mix;
      expect(top >= 0 && left >= 0 && bottom <= 200 && right <= 300).toBe(true);
      expect(share).toBeCloseTo(1 - ((bottom - top) * (right - left)) / 60_000, 12);
      if (top > 0 && left > 0 && bottom < 200 && right < 300) {
        inner++;
        expect(Math.abs((right - left) / 1.5 - (bottom - top))).toBeLessThan(4);
      }
    }
    expect(inner).toBeGreaterThan(100);
  });

  it('is drawn for every second batch, and batches are left alone as often as asked for', () => {
    const kinds = draws({ mixup: 0.8, cutmix: 1, probability: 0.6 }).map(({ kind }) => kind);
    const count = (wanted: string) => kinds.filter((kind) => kind === wanted).length;
    for (const [kind, share] of [
      ['none', 0.4],
      ['mixup', 0.3],
      ['cutmix', 0.3],
    ] as const) {
      expect(Math.abs(count(kind) - 4000 * share)).toBeLessThan(5 * Math.sqrt(4000 * share * (1 - share)));
    }
    const always = draws({ mixup: 0.8, cutmix: 1 }).map(({ kind }) => kind);
    expect(new Set(always)).toEqual(new Set(['mixup', 'cutmix']));
  });
});

describe('soft targets', () => {
  it('smooth and mix the labels of both images', () => {
    const targets = mixedTargets(Int32Array.of(0, 1, 3, 2), 4, { kind: 'mixup', share: 0.75 }, 0.1);
    const off = 0.025;
    const [own, partner] = [off + 0.75 * 0.9, off + 0.25 * 0.9];
    const expected = [
      [own, off, partner, off],
      [off, own, off, partner],
      [off, partner, off, own],
      [partner, off, own, off],
    ];
    for (const [i, value] of expected.flat().entries()) expect(targets[i]).toBeCloseTo(value, 6);
  });

  it('of two images of one class, or of an image that is not mixed, are that class smoothed', () => {
    const same = mixedTargets(Int32Array.of(1, 1), 2, { kind: 'mixup', share: 0.3 }, 0.1);
    expect([...same].map((value) => value.toFixed(4))).toEqual(['0.0500', '0.9500', '0.0500', '0.9500']);
    expect([...mixedTargets(Int32Array.of(1, 0), 2, { kind: 'none', share: 1 })]).toEqual([0, 1, 1, 0]);
  });
});

it('mixing that draws nothing, or from no distribution, is refused', () => {
  expect(() => checkMixing({ mixup: 0, cutmix: 0 })).toThrow('mixup or cutmix above 0');
  expect(() => checkMixing({ mixup: -1, cutmix: 1 })).toThrow('mixing.mixup must be at least 0, got -1');
  expect(() => checkMixing({ mixup: 1, cutmix: 1, probability: 1.1 })).toThrow('mixing.probability');
  expect(() => checkMixing({ mixup: 1, cutmix: 1, labelSmoothing: Number.NaN })).toThrow('labelSmoothing');
});
