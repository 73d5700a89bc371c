import { DatasetError } from './errors.ts';
import { checkCount } from './indices.ts';

/** One image: uint8 [height, width, channels]. */
export interface Pixels {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly data: Uint8Array;
}

/**
 * The evaluation transform of timm and torchvision on a PIL image: `Resize(shorterSide, bicubic)`, then `CenterCrop(size)`.
 *
 * Equal to Pillow's 8-bit result byte for byte: Keys' cubic with a = -1/2, widened by the scale when shrinking, weights of
 * 22 fraction bits, first along rows, rounded to bytes, then along columns. Only the window that is kept is computed.
 *
 * @throws {DatasetError} `DS_BAD_OPTION` when a size is below 1 or the crop is larger than the resized image,
 * `DS_BAD_DATA` when the bytes do not fit the image's size.
 */
export function resizeAndCrop(
  image: Pixels,
  { shorterSide, size }: { readonly shorterSide: number; readonly size: number },
): Pixels {
  const { height, width, channels, data } = image;
  checkCount(size, 1, 'size');
  checkCount(shorterSide, 1, 'shorterSide');
  if (size > shorterSide) {
    throw new DatasetError(
      'DS_BAD_OPTION',
      `a crop of ${size} does not fit a shorter side of ${shorterSide}.`,
    );
  }
  if (data.length !== height * width * channels) {
    throw new DatasetError(
      'DS_BAD_DATA',
      `an image of ${height} x ${width} x ${channels} has ${data.length} bytes.`,
    );
  }
  const shorter = Math.min(height, width);
  const resized = (side: number) =>
    side === shorter ? shorterSide : Math.floor((shorterSide * side) / shorter);
  const columns = taps(width, resized(width), size);
  const rows = taps(height, resized(height), size);

  const firstRow = rows[0]!.first;
  const lastRow = rows.at(-1)!.first + rows.at(-1)!.weights.length;
  const wide = new Uint8Array((lastRow - firstRow) * size * channels);
  for (let y = firstRow, to = 0; y < lastRow; y++) {
    for (const { first, weights } of columns) {
      const from = (y * width + first) * channels;
      for (let c = 0; c < channels; c++) wide[to++] = weighted(data, from + c, channels, weights);
    }
  }
  const out = new Uint8Array(size * size * channels);
  let to = 0;
  for (const { first, weights } of rows) {
    const from = (first - firstRow) * size * channels;
    for (let x = 0; x < size * channels; x++) out[to++] = weighted(wide, from + x, size * channels, weights);
  }
  return { height: size, width: size, channels, data: out };
}

const fractionBits = 22;

function weighted(data: Uint8Array, from: number, stride: number, weights: Int32Array): number {
  let sum = 1 << (fractionBits - 1);
  for (let k = 0; k < weights.length; k++) sum += data[from + k * stride]! * weights[k]!;
  return Math.min(255, Math.max(0, sum >> fractionBits));
}

interface Taps {
  /** First input pixel that counts. */
  readonly first: number;
  readonly weights: Int32Array;
}

/** What each of the middle `kept` of `output` pixels is made of, along an axis of `input` pixels. */
function taps(input: number, output: number, kept: number): Taps[] {
  const scale = input / output;
  const filterScale = Math.max(scale, 1);
  const support = 2 * filterScale;
  const start = roundHalfEven((output - kept) / 2);
  return Array.from({ length: kept }, (_, i) => {
    const center = (start + i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(input, Math.trunc(center + support + 0.5));
    const exact = Array.from({ length: end - first }, (_, k) =>
      cubic((first + k - center + 0.5) * (1 / filterScale)),
    );
    const sum = exact.reduce((total, weight) => total + weight, 0);
    const fixed = (weight: number) =>
      Math.trunc((weight / sum) * 2 ** fractionBits + (weight < 0 ? -0.5 : 0.5));
    return { first, weights: Int32Array.from(exact, fixed) };
  });
}

/** Keys (1981) with a = -1/2. */
function cubic(x: number): number {
  const t = Math.abs(x);
  if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
  if (t < 2) return (((t - 5) * t + 8) * t - 4) * -0.5;
  return 0;
}

/** Python's `round`, which places the crop. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  return value - floor === 0.5 ? floor + (floor % 2) : Math.round(value);
}
