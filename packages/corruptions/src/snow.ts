import type { Draws } from './draws.ts';
import { clipToBytes, type RawImage } from './image.ts';
import { blurAlong } from './motion-blur.ts';
import { clippedZoom } from './zoom.ts';

/** Constants of one severity. */
export interface SnowConstants {
  /** Mean and deviation of the flakes' field. */
  readonly mean: number;
  readonly deviation: number;
  readonly zoom: number;
  /** What is darker is no flake. */
  readonly threshold: number;
  /** Motion blur of the flakes. */
  readonly radius: number;
  readonly sigma: number;
  /** Share of the image in the mixture with its whitened self. */
  readonly mix: number;
}

/** Whitens the image, and adds a field of zoomed, falling flakes and the same field upside down. */
export function snow(
  { data, height, width, channels }: RawImage,
  { mean, deviation, zoom, threshold, radius, sigma, mix }: SnowConstants,
  draws: Draws,
): Float64Array {
  const field = draws.normal(height * width).map((z) => mean + deviation * z);
  const flakes = Uint8Array.from(clippedZoom(field, height, width, 1, zoom), (value) =>
    value < threshold ? 0 : Math.min(value, 1) * 255,
  );
  const angle = -135 + 90 * draws.uniform(1)[0]!;
  const layer = blurAlong(flakes, height, width, 1, radius, sigma, angle);
  const out = new Float64Array(data.length);
  // The image's part is float32 in the reference.
  const { fround } = Math;
  const own = fround(mix);
  const white = fround(1 - mix);
  const pixels = height * width;
  for (let pixel = 0; pixel < pixels; pixel++) {
    const light = layer[pixel]! / 255;
    const opposite = layer[pixels - 1 - pixel]! / 255;
    const whitened = fround(fround(grey(data, pixel, channels) * 1.5) + 0.5);
    for (let channel = 0; channel < channels; channel++) {
      const i = pixel * channels + channel;
      const x = fround(data[i]! / 255);
      const mixed = fround(fround(own * x) + fround(white * Math.max(x, whitened)));
      out[i] = mixed + light + opposite;
    }
  }
  return clipToBytes(out);
}

const [redShare, greenShare, blueShare] = [Math.fround(0.299), Math.fround(0.587), Math.fround(0.114)];

/** The luminance of one pixel in [0, 1]. */
function grey(data: Uint8Array, pixel: number, channels: number): number {
  const at = pixel * channels;
  const red = Math.fround(data[at]! / 255);
  if (channels === 1) return red;
  const green = Math.fround(data[at + 1]! / 255);
  const blue = Math.fround(data[at + 2]! / 255);
  return Math.fround(red * redShare + green * greenShare + blue * blueShare);
}
