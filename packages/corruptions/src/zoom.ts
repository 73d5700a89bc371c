import { roundHalfEven } from './round.ts';

/** Where each output coordinate of an axis falls: the input index before it, and the share of the one after. */
interface Samples {
  readonly first: Int32Array;
  readonly share: Float64Array;
}

/**
 * The middle of an interleaved [height, width, channels] array, `factor` times as large: SciPy's order-1 zoom of the centred
 * rectangle of `ceil(size / factor)`, whose corner pixels stay corners, cut to the original size.
 */
export function clippedZoom(
  source: Float64Array,
  height: number,
  width: number,
  channels: number,
  factor: number,
): Float64Array {
  const rows = axisSamples(height, factor);
  const columns = axisSamples(width, factor);
  const out = new Float64Array(source.length);
  for (let y = 0, i = 0; y < height; y++) {
    const down = rows.share[y]!;
    const up = 1 - down;
    const row = rows.first[y]! * width;
    // Beyond the last row its share is 0, so any row will do.
    const below = down > 0 ? row + width : row;
    for (let x = 0; x < width; x++) {
      const right = columns.share[x]!;
      const left = 1 - right;
      const column = columns.first[x]!;
      const next = right > 0 ? column + 1 : column;
      for (let channel = 0; channel < channels; channel++, i++) {
        out[i] =
          source[(row + column) * channels + channel]! * up * left +
          source[(row + next) * channels + channel]! * up * right +
          source[(below + column) * channels + channel]! * down * left +
          source[(below + next) * channels + channel]! * down * right;
      }
    }
  }
  return out;
}

function axisSamples(size: number, factor: number): Samples {
  const cropped = Math.ceil(size / factor);
  const top = Math.floor((size - cropped) / 2);
  const zoomed = roundHalfEven(cropped * factor);
  const trim = Math.floor((zoomed - size) / 2);
  const scale = zoomed > 1 ? (cropped - 1) / (zoomed - 1) : 0;
  const first = new Int32Array(size);
  const share = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const at = Math.min((trim + i) * scale, cropped - 1);
    first[i] = top + Math.floor(at);
    share[i] = at - Math.floor(at);
  }
  return { first, share };
}
