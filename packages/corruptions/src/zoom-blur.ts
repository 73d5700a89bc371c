import { clipToBytes, type RawImage } from './image.ts';
import { clippedZoom } from './zoom.ts';

/** The mean of the image and of its zooms by `1 + i step`, i = 0 ... steps - 1, in float32 as in the reference. */
export function zoomBlur(
  { data, height, width, channels }: RawImage,
  [steps, step]: readonly [steps: number, step: number],
): Float64Array {
  const x = Float64Array.from(data, (level) => Math.fround(level / 255));
  const sum = new Float32Array(x.length);
  // NumPy's `arange` steps by the rounded difference of its first two values; at 1.25 that decides a tie.
  const difference = 1 + step - 1;
  for (let i = 0; i < steps; i++) {
    const zoomed = clippedZoom(x, height, width, channels, 1 + i * difference);
    for (let at = 0; at < sum.length; at++) sum[at]! += Math.fround(zoomed[at]!);
  }
  for (let at = 0; at < sum.length; at++) sum[at] = Math.fround(x[at]! + sum[at]!) / (steps + 1);
  return clipToBytes(Float64Array.from(sum)).map(Math.fround);
}
