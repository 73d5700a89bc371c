import { nearest } from './border.ts';
import { gaussianFilter } from './gaussian-filter.ts';
import { clipToBytes, type RawImage, toUnit } from './image.ts';

/** A Gaussian filter of σ pixels, cut off at 4σ, with the border pixels continued outwards. */
export function gaussianBlur(image: RawImage, sigma: number): Float64Array {
  return clipToBytes(gaussianFilter(toUnit(image.data), image, sigma, nearest));
}
