import { random } from '@proj/random';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { corrupt, recordedDraws } from './index.ts';

// The committed cases have sides of 32 and 64 px; these end within blocks of 8 and 16, on even and odd pixels.
const sizes = [
  [28, 28],
  [30, 45],
  [33, 17],
  [27, 31],
  [9, 13],
  [8, 4],
  [9, 5],
  [1, 1],
] as const;

/** What libjpeg-turbo's encoder and decoder leave of an image. */
async function throughLibjpeg(data: Uint8Array, height: number, width: number, quality: number) {
  const raw = { width, height, channels: 3 } as const;
  const file = await sharp(data, { raw }).jpeg({ quality, chromaSubsampling: '4:2:0' }).toBuffer();
  return new Uint8Array(await sharp(file).raw().toBuffer());
}

describe('jpeg_compression', () => {
  it.each(sizes)("equals libjpeg's encoder and decoder at %i x %i pixels", async (height, width) => {
    const stream = random(1, height, width);
    const noise = Uint8Array.from({ length: height * width * 3 }, () => stream.integer(256));
    const waves = noise.map((level, i) => 128 + 90 * Math.sin(i / 17) + (level & 31));
    for (const data of [noise, waves]) {
      for (const [i, quality] of [80, 65, 58, 50, 40].entries()) {
        const image = { data, height, width, channels: 3 };
        expect(corrupt(image, 'jpeg_compression', i + 1, recordedDraws([]))).toEqual(
          await throughLibjpeg(data, height, width, quality),
        );
      }
    }
  });
});
