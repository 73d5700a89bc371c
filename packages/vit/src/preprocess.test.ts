import { describe, expect, it } from 'vitest';
import { preprocess, type VitConfig, vitConfigs } from './forward.ts';

const config: VitConfig = { ...vitConfigs.vit_cifar_32, imageSize: 2, patchSize: 1 };

describe('preprocess', () => {
  it('turns interleaved bytes into normalised planes, image by image', () => {
    const images = Uint8Array.from({ length: 24 }, (_, i) => 10 * i);
    const output = preprocess(images, 2, config);
    const { mean, std } = config.preprocessing;
    let at = 0;
    for (const image of [0, 1])
      for (const channel of [0, 1, 2])
        for (const pixel of [0, 1, 2, 3]) {
          const byte = images[image * 12 + pixel * 3 + channel]!;
          expect(output[at++]).toBeCloseTo((byte / 255 - mean[channel]!) / std[channel]!, 6);
        }
    expect(at).toBe(output.length);
  });

  it('takes no images for no images', () => {
    expect(preprocess(new Uint8Array(0), 0, config)).toHaveLength(0);
  });

  it('refuses bytes that are not that many images of that size', () => {
    for (const [length, count] of [
      [12, 2],
      [4, 1],
      [0, -1],
      [6, 0.5],
    ] as const) {
      expect(() => preprocess(new Uint8Array(length), count, config)).toThrow(
        expect.objectContaining({
          code: 'VIT_IMAGE_BYTES',
          message: expect.stringContaining(
            `vit_cifar_32 takes images of 2 x 2 x 3 bytes, so ${count} of them`,
          ),
        }),
      );
    }
  });
});
