import type { ImageShape } from './image.ts';
import { roundHalfEven } from './round.ts';

/**
 * The middle of an interleaved [height, width, channels] array, `factor` times as large: SciPy's order-1 zoom of the centred
 * rectangle of `ceil(size / factor)`, whose corner pixels stay corners, cut to the original size.
 */
export function clippedZoom(
  source: Float64Array,
  { height, width, channels }: ImageShape,
  factor: number,
): Float64Array {
  const rows = axisSamples(height, factor, 1);
  const columns = axisSamples(width, factor, channels);
  const length = width * channels;
  const out = new Float64Array(source.length);
  for (let y = 0, i = 0; y < height; y++) {
    const down = rows.share[y]!;
    const up = 1 - down;
    const top = rows.before[y]! * length;
    const bottom = rows.after[y]! * length;
    for (let x = 0; x < length; x++, i++) {
      const left = columns.before[x]!;
      const right = columns.after[x]!;
      const share = columns.share[x]!;
      out[i] =
        source[top + left]! * up * (1 - share) +
        source[top + right]! * up * share +
        source[bottom + left]! * down * (1 - share) +
        source[bottom + right]! * down * share;
    }
  }
  return out;
}

/** Per output value of an axis (`channels` values a pixel): the input values before and after it, and the share of the latter. */
interface Samples {
  readonly before: Int32Array;
  readonly after: Int32Array;
  readonly share: Float64Array;
}

function axisSamples(size: number, factor: number, channels: number): Samples {
  const cropped = Math.ceil(size / factor);
  const start = Math.floor((size - cropped) / 2);
  const zoomed = roundHalfEven(cropped * factor);
  const trim = Math.floor((zoomed - size) / 2);
  const scale = zoomed > 1 ? (cropped - 1) / (zoomed - 1) : 0;
  const length = size * channels;
  const samples = {
    before: new Int32Array(length),
    after: new Int32Array(length),
    share: new Float64Array(length),
  };
  for (let i = 0; i < length; i++) {
    const channel = i % channels;
    const at = Math.min((trim + (i - channel) / channels) * scale, cropped - 1);
    const before = Math.floor(at);
    samples.before[i] = (start + before) * channels + channel;
    samples.after[i] = (start + Math.min(before + 1, cropped - 1)) * channels + channel;
    samples.share[i] = at - before;
  }
  return samples;
}
