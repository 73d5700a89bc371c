import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { resizeAndCrop } from './index.ts';

const image = (width: number, height: number) => ({
  width,
  height,
  channels: 3,
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * i * 31 + i * 17) >> 3),
});

describe("evaluation's resize and crop", () => {
  // Made with Pillow 12.3.0: resize((w, h), BICUBIC) by torchvision's Resize, then crop by its CenterCrop.
  it.each([
    [53, 37, 16, 14, '8487502ffbbf00554636bf1a9e6f0d32f2259c766db66d448de81c1f1c66246f'],
    [37, 53, 64, 57, 'ed0663979bf466059d8afc2b60b5600ffa8c97ebdd6166c2df2352450e49b608'],
    [40, 40, 40, 31, '2f383da5d323a527b6c00494e1a7ff00ae6d38e5654f87c776baf463ed35dd86'],
    [200, 3, 7, 6, 'c03738f10748bd5710dd9abf02ae3310aaa99853d4350485f951c5008606c2cc'],
    [311, 170, 32, 32, '2c3eddefa97e7b9d4539a7e74840fbbf93d5ae45bb7e79806a38e808af62c895'],
    [64, 64, 248, 224, 'c64932be04a6827fb485d36f7a13d16220246b466e2f57ad9fd5ea157784c5af'],
  ])(
    'of %d x %d pixels to %d, cropped to %d, equals Pillow byte for byte',
    (width, height, shorterSide, size, sha256) => {
      const { data, ...shape } = resizeAndCrop(image(width, height), { shorterSide, size });
      expect(shape).toEqual({ height: size, width: size, channels: 3 });
      expect(createHash('sha256').update(data).digest('hex')).toBe(sha256);
    },
  );

  it('keeps an image that has the size already', () => {
    const square = image(9, 9);
    expect(resizeAndCrop(square, { shorterSide: 9, size: 9 }).data).toEqual(square.data);
  });

  it('refuses a crop that does not fit, and bytes that are no image', () => {
    expect(() => resizeAndCrop(image(9, 9), { shorterSide: 8, size: 9 })).toThrow('a crop of 9 does not fit');
    expect(() => resizeAndCrop(image(9, 9), { shorterSide: 8, size: 0 })).toThrow('size must be');
    expect(() => resizeAndCrop({ ...image(9, 9), height: 8 }, { shorterSide: 8, size: 8 })).toThrow(
      'an image of 8 x 9 x 3 has 243 bytes',
    );
  });
});
