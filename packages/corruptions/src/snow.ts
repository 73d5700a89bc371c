import { corruption } from './corruption.ts';
import { clipToBytes, toUnit32 } from './image.ts';
import { blurAlong } from './motion-blur.ts';
import { clippedZoom } from './zoom.ts';

type SnowConstants = readonly [
  mean: number,
  deviation: number,
  zoom: number,
  threshold: number,
  radius: number,
  sigma: number,
  mix: number,
];

/** Whitens the image, and adds a field of zoomed, falling flakes and the same field upside down. */
export const snow = corruption<SnowConstants>(
  // Mean and deviation of the flakes' field, its zoom, what is too dark for a flake, radius and σ of the motion blur in
  // pixels, share of the image in the mixture with its whitened self.
  {
    32: [
      [0.1, 0.2, 1, 0.6, 8, 3, 0.95],
      [0.1, 0.2, 1, 0.5, 10, 4, 0.9],
      [0.15, 0.3, 1.75, 0.55, 10, 4, 0.9],
      [0.25, 0.3, 2.25, 0.6, 12, 6, 0.85],
      [0.3, 0.3, 1.25, 0.65, 14, 12, 0.8],
    ],
    64: [
      [0.1, 0.2, 1, 0.6, 8, 3, 0.8],
      [0.1, 0.2, 1, 0.5, 10, 4, 0.8],
      [0.15, 0.3, 1.75, 0.55, 10, 4, 0.7],
      [0.25, 0.3, 2.25, 0.6, 12, 6, 0.65],
      [0.3, 0.3, 1.25, 0.65, 14, 12, 0.6],
    ],
    224: [
      [0.1, 0.3, 3, 0.5, 10, 4, 0.8],
      [0.2, 0.3, 2, 0.5, 12, 4, 0.7],
      [0.55, 0.3, 4, 0.9, 12, 8, 0.7],
      [0.55, 0.3, 4.5, 0.85, 12, 8, 0.65],
      [0.55, 0.3, 2.5, 0.85, 12, 12, 0.55],
    ],
  },
  (image, [mean, deviation, zoom, threshold, radius, sigma, mix], draws) => {
    const { data, height, width, channels } = image;
    const pixels = height * width;
    const field = { height, width, channels: 1 };
    const heights = clippedZoom(
      draws.normal(pixels).map((z) => mean + deviation * z),
      field,
      zoom,
    );
    const flakes = new Uint8Array(heights.map((value) => (value < threshold ? 0 : Math.min(value, 1) * 255)));
    const layer = blurAlong(flakes, field, radius, sigma, -135 + 90 * draws.uniform(1)[0]!);
    const whitened = whiten(toUnit32(data), channels, Math.fround(mix), Math.fround(1 - mix));
    for (let pixel = 0, i = 0; pixel < pixels; pixel++) {
      const light = layer[pixel]! / 255;
      const opposite = layer[pixels - 1 - pixel]! / 255;
      for (let channel = 0; channel < channels; channel++, i++) whitened[i] = whitened[i]! + light + opposite;
    }
    return clipToBytes(whitened);
  },
);

const [redShare, greenShare, blueShare] = [Math.fround(0.299), Math.fround(0.587), Math.fround(0.114)];

/** `own x + white max(x, 1.5 luminance + 0.5)`, in float32 as in the reference. */
function whiten(x: Float32Array, channels: number, own: number, white: number): Float64Array {
  const { fround } = Math;
  const out = new Float64Array(x.length);
  for (let i = 0; i < x.length; i += channels) {
    const luminance =
      channels === 1 ? x[i]! : fround(x[i]! * redShare + x[i + 1]! * greenShare + x[i + 2]! * blueShare);
    const bright = fround(fround(luminance * 1.5) + 0.5);
    for (let at = i; at < i + channels; at++) {
      out[at] = fround(fround(own * x[at]!) + fround(white * Math.max(x[at]!, bright)));
    }
  }
  return out;
}
