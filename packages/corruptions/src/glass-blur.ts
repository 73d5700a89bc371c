import { nearest } from './border.ts';
import type { Draws } from './draws.ts';
import { gaussianFilter } from './gaussian-filter.ts';
import { clipToBytes, type RawImage, toUnit } from './image.ts';

/**
 * Blurs to bytes, displaces pixels by up to `reach` pixels, `rounds` times, and blurs again, σ pixels each time.
 *
 * Pixels are visited from the bottom right corner. The reference means to swap a pixel with a random neighbour, but its
 * assignment copies: the neighbour stays as it is, and so it does here, as in the published data sets.
 */
export function glassBlur(
  image: RawImage,
  [sigma, reach, rounds]: readonly [sigma: number, reach: number, rounds: number],
  draws: Draws,
): Float64Array {
  const { height, width, channels } = image;
  const blurred = gaussianFilter(toUnit(image.data), image, sigma, nearest);
  const bytes = Uint8Array.from(blurred, (value) => value * 255);
  const visits = Math.max(height - 2 * reach, 0) * Math.max(width - 2 * reach, 0);
  const offsets = draws.integers(2 * visits * rounds, -reach, reach);
  for (let round = 0, i = 0; round < rounds; round++) {
    for (let row = height - reach; row > reach; row--) {
      for (let column = width - reach; column > reach; column--, i += 2) {
        const to = (row * width + column) * channels;
        const from = ((row + offsets[i + 1]!) * width + column + offsets[i]!) * channels;
        bytes.copyWithin(to, from, from + channels);
      }
    }
  }
  return clipToBytes(gaussianFilter(toUnit(bytes), image, sigma, nearest));
}
