import { describe, expect, it } from 'vitest';
import { golden, sha256, source } from '../test/golden-pillow.ts';
import { memoryDataset, resizeAndCrop, resized } from './index.ts';

const { data, ...shape } = source;
const turned = data.map((level) => 255 - level);
const dataset = memoryDataset({
  ...shape,
  channels: 3,
  name: 'two',
  classNames: ['a', 'b'],
  labels: [1, 0],
  images: Uint8Array.of(...data, ...turned),
});

describe('a resized data set', () => {
  it.each(golden.resized)(
    'of $size, $interpolation, has what torchvision makes of Pillow images byte for byte',
    async ({ size, interpolation, sha256: expected }) => {
      const images = await resized(dataset, size, { interpolation }).images([1, 0]);
      expect(images).toHaveLength(2 * size * size * 3);
      expect(sha256(images.subarray(size * size * 3))).toBe(expected);
    },
  );

  it('keeps names and labels, and crops the centre as timm evaluates', async () => {
    const view = resized(dataset, 18, { cropPct: 0.9 });
    const { images, ...about } = view;
    expect(about).toEqual({
      name: 'two',
      length: 2,
      height: 18,
      width: 18,
      channels: 3,
      classNames: ['a', 'b'],
      labels: Int32Array.of(1, 0),
    });
    expect(await images([0])).toEqual(resizeAndCrop(source, { shorterSide: 20, size: 18 }).data);
  });

  it('refuses sizes and shares that are none, and images that are not there', async () => {
    expect(() => resized(dataset, 0)).toThrow('size must be');
    expect(() => resized(dataset, 8, { cropPct: 1.2 })).toThrow('cropPct must be');
    await expect(resized(dataset, 8).images([2])).rejects.toThrow('index 2');
    await expect(resized(dataset, 8).images([-1])).rejects.toThrow('index -1');
  });
});
