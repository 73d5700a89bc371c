import { clipToBytes, type RawImage, toUnit } from './image.ts';

/** `(x - μ) factor + μ`, μ the mean of each channel over the image. */
export function contrast({ data, channels }: RawImage, factor: number): Float64Array {
  const x = toUnit(data);
  for (let channel = 0; channel < channels; channel++) {
    let sum = 0;
    for (let i = channel; i < x.length; i += channels) sum += x[i]!;
    const mean = sum / (x.length / channels);
    for (let i = channel; i < x.length; i += channels) x[i] = (x[i]! - mean) * factor + mean;
  }
  return clipToBytes(x);
}
