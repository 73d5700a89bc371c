import { nearest } from './border.ts';
import { corruption } from './corruption.ts';
import { gaussianFilter } from './gaussian-filter.ts';
import { clipToBytes, toUnit } from './image.ts';

/**
 * Blurs to bytes, displaces pixels by up to `reach` pixels, `rounds` times, and blurs again, σ pixels each time.
 *
 * Pixels are visited from the bottom right corner. The reference means to swap a pixel with a random neighbour, but its
 * assignment copies: the neighbour stays as it is, and so it does here, as in the published data sets.
 */
export const glassBlur = corruption<readonly [sigma: number, reach: number, rounds: number]>(
  // σ of both blurs, displacement in pixels, rounds.
  {
    32: [
      [0.05, 1, 1],
      [0.25, 1, 1],
      [0.4, 1, 1],
      [0.25, 1, 2],
      [0.4, 1, 2],
    ],
    64: [
      [0.1, 1, 1],
      [0.5, 1, 1],
      [0.6, 1, 2],
      [0.7, 2, 1],
      [0.9, 2, 2],
    ],
    224: [
      [0.7, 1, 2],
      [0.9, 2, 1],
      [1, 2, 3],
      [1.1, 3, 2],
      [1.5, 4, 2],
    ],
  },
  (image, [sigma, reach, rounds], draws) => {
    const { height, width, channels } = image;
    const blurred = gaussianFilter(toUnit(image.data), image, sigma, nearest);
    const bytes = new Uint8Array(blurred.map((value) => value * 255));
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
  },
);
