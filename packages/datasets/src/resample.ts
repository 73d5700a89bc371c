/** Pillow's filters for resizing: a triangle, and Keys' (1981) cubic with a = -1/2. */
export type Interpolation = 'bilinear' | 'bicubic';

/** What each output pixel along one axis is made of: `weights[i * taps + k]` of the input pixel `first[i] + k`. */
export interface Axis {
  readonly count: number;
  readonly taps: number;
  readonly first: Int32Array;
  /** Fixed point with 22 fraction bits; zeros after the last tap that counts. */
  readonly weights: Int32Array;
  /** Input pixels that any output pixel looks at: from here up to but without `to`. */
  readonly from: number;
  readonly to: number;
}

const fractionBits = 22;
const half = 1 << (fractionBits - 1);

/** The `kept` output pixels from `start` on, of an axis of `input` pixels resized to `output`. */
export function axis(
  input: number,
  output: number,
  interpolation: Interpolation,
  start = 0,
  kept = output,
): Axis {
  const { radius, weight } = filters[interpolation];
  const scale = input / output;
  const filterScale = Math.max(scale, 1);
  const support = radius * filterScale;
  const begins = Int32Array.from({ length: kept }, (_, i) =>
    Math.max(0, Math.trunc((start + i + 0.5) * scale - support + 0.5)),
  );
  const ends = Int32Array.from({ length: kept }, (_, i) =>
    Math.min(input, Math.trunc((start + i + 0.5) * scale + support + 0.5)),
  );
  const taps = begins.reduce((most, begin, i) => Math.max(most, ends[i]! - begin), 0);
  const first = new Int32Array(kept);
  const weights = new Int32Array(kept * taps);
  const exact = new Float64Array(taps);
  let from = input;
  let to = 0;
  for (let i = 0; i < kept; i++) {
    const center = (start + i + 0.5) * scale;
    const begin = begins[i]!;
    const end = ends[i]!;
    let sum = 0;
    for (let k = 0; k < end - begin; k++) {
      exact[k] = weight(Math.abs((begin + k - center + 0.5) * (1 / filterScale)));
      sum += exact[k]!;
    }
    for (let k = 0; k < end - begin; k++) {
      const share = exact[k]!;
      weights[i * taps + k] = Math.trunc((share / sum) * 2 ** fractionBits + (share < 0 ? -0.5 : 0.5));
    }
    // Taps behind the last one weigh nothing but are read all the same, so they must lie in the image.
    const shift = Math.max(0, begin + taps - input);
    if (shift > 0) {
      weights.copyWithin(i * taps + shift, i * taps, i * taps + taps - shift);
      weights.fill(0, i * taps, i * taps + shift);
    }
    first[i] = begin - shift;
    from = Math.min(from, begin - shift);
    to = Math.max(to, begin - shift + taps);
  }
  return { count: kept, taps, first, weights, from, to };
}

const filters: Readonly<
  Record<Interpolation, { readonly radius: number; weight(distance: number): number }>
> = {
  bilinear: { radius: 1, weight: (t) => (t < 1 ? 1 - t : 0) },
  bicubic: {
    radius: 2,
    weight(t) {
      if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
      if (t < 2) return (((t - 5) * t + 8) * t - 4) * -0.5;
      return 0;
    },
  },
};

/** Where a window begins in interleaved bytes. */
export interface Window {
  readonly data: Uint8Array;
  /** Of the image that the window lies in. */
  readonly width: number;
  readonly channels: number;
  /** Of the window's corner, to which the axes' pixels are relative. */
  readonly top: number;
  readonly left: number;
}

/**
 * Resamples a window as Pillow's `resize` does, byte for byte: along rows, rounded to bytes, then along columns.
 * Returns uint8 [rows.count, columns.count, channels].
 */
export function resample(window: Window, rows: Axis, columns: Axis): Uint8Array {
  const wide = window.channels === 3 ? alongRows3(window, rows, columns) : alongRows(window, rows, columns);
  const rowBytes = columns.count * window.channels;
  const out = new Uint8Array(rows.count * rowBytes);
  const sums = new Int32Array(rowBytes);
  for (let y = 0; y < rows.count; y++) {
    sums.fill(half);
    for (let k = 0; k < rows.taps; k++) {
      const weight = rows.weights[y * rows.taps + k]!;
      if (weight === 0) continue;
      const from = (rows.first[y]! + k - rows.from) * rowBytes;
      for (let x = 0; x < rowBytes; x++) sums[x] = sums[x]! + wide[from + x]! * weight;
    }
    const to = y * rowBytes;
    for (let x = 0; x < rowBytes; x++) out[to + x] = byte(sums[x]!);
  }
  return out;
}

const byte = (sum: number): number => Math.max(0, Math.min(255, sum >> fractionBits));

function alongRows({ data, width, channels, top, left }: Window, rows: Axis, columns: Axis): Uint8Array {
  const { count, taps, first, weights } = columns;
  const wide = new Uint8Array((rows.to - rows.from) * count * channels);
  for (let y = rows.from, to = 0; y < rows.to; y++) {
    const row = ((top + y) * width + left) * channels;
    for (let x = 0; x < count; x++) {
      for (let c = 0; c < channels; c++) {
        let from = row + first[x]! * channels + c;
        let sum = half;
        for (let k = x * taps; k < (x + 1) * taps; k++, from += channels) sum += data[from]! * weights[k]!;
        wide[to++] = byte(sum);
      }
    }
  }
  return wide;
}

/** `alongRows` for RGB: a third of the index arithmetic. */
function alongRows3({ data, width, top, left }: Window, rows: Axis, columns: Axis): Uint8Array {
  const { count, taps, first, weights } = columns;
  const wide = new Uint8Array((rows.to - rows.from) * count * 3);
  for (let y = rows.from, to = 0; y < rows.to; y++) {
    const row = ((top + y) * width + left) * 3;
    for (let x = 0; x < count; x++, to += 3) {
      let from = row + first[x]! * 3;
      let red = half;
      let green = half;
      let blue = half;
      for (let k = x * taps; k < (x + 1) * taps; k++, from += 3) {
        const weight = weights[k]!;
        red = (red + data[from]! * weight) | 0;
        green = (green + data[from + 1]! * weight) | 0;
        blue = (blue + data[from + 2]! * weight) | 0;
      }
      wide[to] = byte(red);
      wide[to + 1] = byte(green);
      wide[to + 2] = byte(blue);
    }
  }
  return wide;
}
