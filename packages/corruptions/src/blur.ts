import { nearest } from './border.ts';
import { corruption } from './corruption.ts';
import { gaussianFilter } from './gaussian-filter.ts';
import { clipToBytes, toUnit } from './image.ts';

/** A Gaussian filter of σ pixels, cut off at 4σ, with the border pixels continued outwards. */
export const gaussianBlur = corruption<number>(
  // σ in pixels.
  {
    32: [0.4, 0.6, 0.7, 0.8, 1],
    64: [0.5, 0.75, 1, 1.25, 1.5],
    224: [1, 2, 3, 4, 6],
  },
  (image, sigma) => {
    return clipToBytes(gaussianFilter(toUnit(image.data), image, sigma, nearest));
  },
);
