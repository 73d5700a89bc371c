import { CorruptionError } from './error.ts';

/** The size of an image whose bytes are interleaved by pixel (HWC). `channels` is 3 (RGB) or 1 (grey). */
export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** An image: `height * width * channels` bytes, row by row, the channels of a pixel side by side. */
export interface RawImage extends ImageShape {
  readonly data: Uint8Array;
}

/** Bytes of one image. Throws `CORRUPTION_BAD_SHAPE` for what is no image. */
export function imageLength({ height, width, channels }: ImageShape): number {
  const size = height * width * channels;
  const whole = Number.isInteger(height) && Number.isInteger(width) && height >= 1 && width >= 1;
  if (!whole || !Number.isSafeInteger(size) || (channels !== 1 && channels !== 3)) {
    throw new CorruptionError(
      'CORRUPTION_BAD_SHAPE',
      `an image is height x width x channels with 1 or 3 channels, got ${height} x ${width} x ${channels}.`,
    );
  }
  return size;
}

/** `level / 255` for every byte: the same quotients as NumPy's, without a division per pixel. */
export const unit = Float64Array.from({ length: 256 }, (_, level) => level / 255);

/** The same quotients in float32, in which a part of the reference computes. */
export const unit32 = new Float32Array(unit);

/** The image as x in [0, 1]. */
export function toUnit(data: Uint8Array): Float64Array {
  const x = new Float64Array(data.length);
  for (let i = 0; i < x.length; i++) x[i] = unit[data[i]!]!;
  return x;
}

/** The image as x in [0, 1], float32. */
export function toUnit32(data: Uint8Array): Float32Array {
  const x = new Float32Array(data.length);
  for (let i = 0; i < x.length; i++) x[i] = unit32[data[i]!]!;
  return x;
}

/** `clip(x, 0, 1) * 255` in place: what every corruption ends with. */
export function clipToBytes(x: Float64Array): Float64Array {
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!;
    x[i] = value < 0 ? 0 : value > 1 ? 255 : value * 255;
  }
  return x;
}
