import { type Affine, warpAffine } from './affine.ts';
import { reflect } from './border.ts';
import { corruption } from './corruption.ts';
import type { Draws } from './draws.ts';
import { CorruptionError } from './error.ts';
import { gaussianFilter } from './gaussian-filter.ts';
import { clipToBytes, type RawImage, toUnit32 } from './image.ts';

/** A random affine map, then a smooth random displacement of every pixel; constants in pixels, arithmetic float32 as in the reference. */
export const elasticTransform = corruption<readonly [amplitude: number, sigma: number, jitter: number]>(
  // Amplitude and σ of the displacements, jitter of the affine map's corners, in pixels.
  {
    32: [
      [0, 0, 32 * 0.08],
      [32 * 0.05, 32 * 0.2, 32 * 0.07],
      [32 * 0.08, 32 * 0.06, 32 * 0.06],
      [32 * 0.1, 32 * 0.04, 32 * 0.05],
      [32 * 0.1, 32 * 0.03, 32 * 0.03],
    ],
    64: [
      [0, 0, 64 * 0.08],
      [64 * 0.05, 64 * 0.3, 64 * 0.06],
      [64 * 0.1, 64 * 0.08, 64 * 0.06],
      [64 * 0.1, 64 * 0.03, 64 * 0.03],
      [64 * 0.16, 64 * 0.03, 64 * 0.02],
    ],
    // 244, not 224, in the reference too.
    224: [
      [244 * 2, 244 * 0.7, 244 * 0.1],
      [244 * 2, 244 * 0.08, 244 * 0.2],
      [244 * 0.05, 244 * 0.01, 244 * 0.02],
      [244 * 0.07, 244 * 0.01, 244 * 0.02],
      [244 * 0.12, 244 * 0.01, 244 * 0.02],
    ],
  },
  (image, [amplitude, sigma, jitter], draws) => {
    const { height, width, channels } = image;
    const x = toUnit32(image.data);
    const warped = warpAffine(x, image, jitteredAffine(image, jitter, draws));
    const right = displacement(image, amplitude, sigma, draws);
    const down = displacement(image, amplitude, sigma, draws);
    const out = new Float64Array(x.length);
    for (let row = 0, pixel = 0; row < height; row++) {
      for (let column = 0; column < width; column++, pixel++) {
        const atY = row + down[pixel]!;
        const atX = column + right[pixel]!;
        const shareY = atY - Math.floor(atY);
        const shareX = atX - Math.floor(atX);
        const top = reflect(Math.floor(atY), height) * width;
        const bottom = reflect(Math.floor(atY) + 1, height) * width;
        const before = reflect(Math.floor(atX), width);
        const after = reflect(Math.floor(atX) + 1, width);
        for (let channel = 0; channel < channels; channel++) {
          out[pixel * channels + channel] = Math.fround(
            warped[(top + before) * channels + channel]! * (1 - shareY) * (1 - shareX) +
              warped[(top + after) * channels + channel]! * (1 - shareY) * shareX +
              warped[(bottom + before) * channels + channel]! * shareY * (1 - shareX) +
              warped[(bottom + after) * channels + channel]! * shareY * shareX,
          );
        }
      }
    }
    return clipToBytes(out).map(Math.fround);
  },
);

/** The map that moves three corners of a centred square of side `2 (size // 3)` by up to `jitter` pixels each way. */
function jitteredAffine({ height, width }: RawImage, jitter: number, draws: Draws): Affine {
  const reach = Math.floor(Math.min(height, width) / 3);
  if (reach === 0) {
    throw new CorruptionError(
      'CORRUPTION_TOO_SMALL',
      `elastic_transform moves the corners of a square within the image, and ${height} x ${width} pixels hold none; ` +
        'both sides must be at least 3.',
    );
  }
  const high = { x: Math.floor(width / 2) + reach, y: Math.floor(height / 2) + reach };
  const low = { x: Math.floor(width / 2) - reach, y: Math.floor(height / 2) - reach };
  const u = draws.uniform(6);
  const moved = (coordinate: number, i: number): number =>
    Math.fround(coordinate + Math.fround(-jitter + 2 * jitter * u[i]!));
  const first = { x: moved(high.x, 0), y: moved(high.y, 1) };
  const second = { x: moved(high.x, 2), y: moved(low.y, 3) };
  const third = { x: moved(low.x, 4), y: moved(low.y, 5) };
  const side = 2 * reach;
  const [a, b] = [(second.x - third.x) / side, (first.x - second.x) / side];
  const [d, e] = [(second.y - third.y) / side, (first.y - second.y) / side];
  return [a, b, second.x - a * high.x - b * low.y, d, e, second.y - d * high.x - e * low.y];
}

/** One coordinate's displacements: U(-1, 1) smoothed with σ (0: not at all), times `amplitude`, float32. */
function displacement(
  { height, width }: RawImage,
  amplitude: number,
  sigma: number,
  draws: Draws,
): Float32Array {
  const field = draws.uniform(height * width).map((u) => -1 + 2 * u);
  const smooth = sigma > 0 ? gaussianFilter(field, { height, width, channels: 1 }, sigma, reflect, 3) : field;
  return new Float32Array(smooth.map((value) => value * amplitude));
}
