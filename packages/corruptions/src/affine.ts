import { reflect101 } from './border.ts';
import type { RawImage } from './image.ts';
import { roundHalfEven } from './round.ts';

/** `x' = a x + b y + c`, `y' = d x + e y + f`, as [a, b, c, d, e, f]. */
export type Affine = readonly [number, number, number, number, number, number];

/**
 * OpenCV's bilinear `warpAffine` of an image in [0, 1], float32: pixel (x, y) comes from where the inverse of `forward` takes
 * it, to 1/32 of a pixel, with a mirrored border.
 */
export function warpAffine(
  source: Float32Array,
  { height, width, channels }: RawImage,
  forward: Affine,
): Float32Array {
  const [a, b, c, d, e, f] = invert(forward);
  const out = new Float32Array(source.length);
  const { fround } = Math;
  const columnX = Int32Array.from({ length: width }, (_, x) => roundHalfEven(a * x * 1024));
  const columnY = Int32Array.from({ length: width }, (_, x) => roundHalfEven(d * x * 1024));
  for (let y = 0, i = 0; y < height; y++) {
    const rowX = roundHalfEven((b * y + c) * 1024) + 16;
    const rowY = roundHalfEven((e * y + f) * 1024) + 16;
    for (let x = 0; x < width; x++) {
      const fromX = (rowX + columnX[x]!) >> 5;
      const fromY = (rowY + columnY[x]!) >> 5;
      const left = reflect101(fromX >> 5, width);
      const right = reflect101((fromX >> 5) + 1, width);
      const top = reflect101(fromY >> 5, height) * width;
      const bottom = reflect101((fromY >> 5) + 1, height) * width;
      const shareX = (fromX & 31) / 32;
      const shareY = (fromY & 31) / 32;
      for (let channel = 0; channel < channels; channel++, i++) {
        let sum = fround(source[(top + left) * channels + channel]! * ((1 - shareY) * (1 - shareX)));
        sum = fround(sum + fround(source[(top + right) * channels + channel]! * ((1 - shareY) * shareX)));
        sum = fround(sum + fround(source[(bottom + left) * channels + channel]! * (shareY * (1 - shareX))));
        out[i] = sum + fround(source[(bottom + right) * channels + channel]! * (shareY * shareX));
      }
    }
  }
  return out;
}

/** A map that flattens the plane has no inverse; like OpenCV's, ours is then all 0. */
function invert([a, b, c, d, e, f]: Affine): Affine {
  const determinant = a * e - b * d;
  const scale = determinant === 0 ? 0 : 1 / determinant;
  const [ia, ib, id, ie] = [e * scale, -b * scale, -d * scale, a * scale];
  return [ia, ib, -ia * c - ib * f, id, ie, -id * c - ie * f];
}
