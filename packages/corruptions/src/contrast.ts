import { corruption } from './corruption.ts';
import { clipToBytes, toUnit } from './image.ts';

/** `(x - μ) factor + μ`, μ the mean of each channel over the image. */
export const contrast = corruption<number>(
  // Multiplies the distance from the mean.
  {
    32: [0.75, 0.5, 0.4, 0.3, 0.15],
    64: [0.4, 0.3, 0.2, 0.1, 0.05],
    224: [0.4, 0.3, 0.2, 0.1, 0.05],
  },
  ({ data, channels }, factor) => {
    const x = toUnit(data);
    for (let channel = 0; channel < channels; channel++) {
      let sum = 0;
      for (let i = channel; i < x.length; i += channels) sum += x[i]!;
      const mean = sum / (x.length / channels);
      for (let i = channel; i < x.length; i += channels) x[i] = (x[i]! - mean) * factor + mean;
    }
    return clipToBytes(x);
  },
);
