import { corruption } from './corruption.ts';
import { clipToBytes, toUnit32 } from './image.ts';
import { clippedZoom } from './zoom.ts';

type Zooms = readonly [steps: number, step: number];

const cifarZooms: readonly [Zooms, Zooms, Zooms, Zooms, Zooms] = [
  [7, 0.01],
  [12, 0.01],
  [16, 0.01],
  [21, 0.01],
  [26, 0.01],
];

/** The mean of the image and of its zooms by `1 + i step`, i = 0 ... steps - 1, in float32 as in the reference. */
export const zoomBlur = corruption<Zooms>(
  // How many zoom factors 1, 1 + step, ...; the counts are those of NumPy's `arange`, which sometimes includes its end.
  {
    32: cifarZooms,
    64: cifarZooms,
    224: [
      [12, 0.01],
      [16, 0.01],
      [11, 0.02],
      [13, 0.02],
      [11, 0.03],
    ],
  },
  (image, [steps, step]) => {
    const x = new Float64Array(toUnit32(image.data));
    const sum = new Float32Array(x.length);
    // NumPy's `arange` steps by the rounded difference of its first two values; at 1.25 that decides a tie.
    const difference = 1 + step - 1;
    for (let i = 0; i < steps; i++) {
      const zoomed = clippedZoom(x, image, 1 + i * difference);
      for (let at = 0; at < sum.length; at++) sum[at]! += Math.fround(zoomed[at]!);
    }
    for (let at = 0; at < sum.length; at++) sum[at] = Math.fround(x[at]! + sum[at]!) / (steps + 1);
    return clipToBytes(new Float64Array(sum)).map(Math.fround);
  },
);
