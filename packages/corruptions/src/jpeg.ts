import { corruption } from './corruption.ts';
import type { RawImage } from './image.ts';
import { forwardDct, inverseDct } from './jpeg-dct.ts';

/** One component of an image. */
interface Plane {
  readonly data: Uint8Array;
  readonly height: number;
  readonly width: number;
}

/**
 * What a JPEG file does to an image: baseline, chroma at half the resolution, libjpeg's integer arithmetic on both ways.
 * Entropy coding loses nothing and is left out.
 */
export const jpegCompression = corruption<number>(
  // Quality from 1 to 100.
  {
    32: [80, 65, 58, 50, 40],
    64: [65, 58, 50, 40, 25],
    224: [25, 18, 15, 10, 7],
  },
  (image, quality) => {
    const { data, height, width, channels } = image;
    if (channels === 1)
      return new Float64Array(recode({ data, height, width }, luminanceSteps, quality).data);
    const [luma, blue, red] = toYcc(image);
    const y = recode(luma, luminanceSteps, quality);
    const cb = upsample(recode(downsample(blue), chrominanceSteps, quality), height, width);
    const cr = upsample(recode(downsample(red), chrominanceSteps, quality), height, width);
    const out = new Uint8ClampedArray(data.length);
    for (let pixel = 0, i = 0; pixel < height * width; pixel++, i += 3) {
      const level = y.data[pixel]!;
      const b = cb.data[pixel]! - 128;
      const r = cr.data[pixel]! - 128;
      out[i] = level + ((91881 * r + 32768) >> 16);
      out[i + 1] = level + ((-22554 * b - 46802 * r + 32768) >> 16);
      out[i + 2] = level + ((116130 * b + 32768) >> 16);
    }
    return new Float64Array(out);
  },
);

/** RGB to Y, Cb, Cr with 16 binary places. */
function toYcc({ data, height, width }: RawImage): [y: Plane, cb: Plane, cr: Plane] {
  const plane = (): Plane => ({ data: new Uint8Array(height * width), height, width });
  const [y, cb, cr] = [plane(), plane(), plane()];
  // 128, and one half less one bit: chroma rounds half down.
  const centre = (128 << 16) + 32767;
  for (let pixel = 0, i = 0; pixel < height * width; pixel++, i += 3) {
    const [red, green, blue] = [data[i]!, data[i + 1]!, data[i + 2]!];
    y.data[pixel] = (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16;
    cb.data[pixel] = (-11059 * red - 21709 * green + 32768 * blue + centre) >> 16;
    cr.data[pixel] = (32768 * red - 27439 * green - 5329 * blue + centre) >> 16;
  }
  return [y, cb, cr];
}

/** Means of 2 x 2 samples, rounded by adding 1 and 2 in turn along a row; the last column and row go on. */
function downsample({ data, height, width }: Plane): Plane {
  const half = { height: Math.ceil(height / 2), width: Math.ceil(width / 2) };
  // libjpeg lengthens the rows up to whole blocks before it takes the means.
  const out = {
    data: new Uint8Array(half.height * blocked(half.width)),
    height: half.height,
    width: blocked(half.width),
  };
  for (let row = 0, i = 0; row < out.height; row++) {
    const top = 2 * row * width;
    const bottom = Math.min(2 * row + 1, height - 1) * width;
    for (let column = 0; column < out.width; column++, i++) {
      const left = Math.min(2 * column, width - 1);
      const right = Math.min(2 * column + 1, width - 1);
      const sum = data[top + left]! + data[top + right]! + data[bottom + left]! + data[bottom + right]!;
      out.data[i] = (sum + 1 + (column & 1)) >> 2;
    }
  }
  return out;
}

const blocked = (size: number): number => 8 * Math.ceil(size / 8);

/** Quantizes and restores 8 x 8 blocks; the last column and row go on to whole blocks. */
function recode({ data, height, width }: Plane, steps: readonly number[], quality: number): Plane {
  const scale = quality < 50 ? Math.trunc(5000 / quality) : 200 - 2 * quality;
  const divisors = steps.map((step) => Math.min(Math.max(Math.trunc((step * scale + 50) / 100), 1), 255));
  const out = new Uint8ClampedArray(data.length);
  const block = new Int32Array(64);
  for (let top = 0; top < height; top += 8) {
    for (let left = 0; left < width; left += 8) {
      for (let i = 0; i < 64; i++) {
        const row = Math.min(top + (i >> 3), height - 1);
        block[i] = data[row * width + Math.min(left + (i & 7), width - 1)]! - 128;
      }
      forwardDct(block);
      for (let i = 0; i < 64; i++) {
        const divisor = divisors[i]!;
        const size = Math.trunc((Math.abs(block[i]!) + 4 * divisor) / (8 * divisor)) * divisor;
        block[i] = block[i]! < 0 ? -size : size;
      }
      inverseDct(block);
      for (let row = top; row < Math.min(top + 8, height); row++) {
        for (let column = left; column < Math.min(left + 8, width); column++) {
          out[row * width + column] = block[8 * (row - top) + column - left]! + 128;
        }
      }
    }
  }
  return { data: new Uint8Array(out.buffer), height, width };
}

/** libjpeg's "fancy" doubling: each sample from the nearest four, weighted 9 : 3 : 3 : 1; two columns or fewer are repeated. */
function upsample({ data, height, width: stride }: Plane, newHeight: number, newWidth: number): Plane {
  const width = Math.ceil(newWidth / 2);
  const out = new Uint8Array(newHeight * newWidth);
  for (let row = 0, i = 0; row < newHeight; row++) {
    const near = (row >> 1) * stride;
    const far = Math.min(Math.max((row >> 1) + (row & 1 ? 1 : -1), 0), height - 1) * stride;
    for (let column = 0; column < newWidth; column++, i++) {
      const at = column >> 1;
      if (width <= 2) {
        out[i] = data[near + at]!;
        continue;
      }
      const aside = Math.min(Math.max(at + (column & 1 ? 1 : -1), 0), width - 1);
      const own = 3 * data[near + at]! + data[far + at]!;
      const other = 3 * data[near + aside]! + data[far + aside]!;
      out[i] = (3 * own + other + (column & 1 ? 7 : 8)) >> 4;
    }
  }
  return { data: out, height: newHeight, width: newWidth };
}

// The steps of ITU-T T.81, Annex K.
const luminanceSteps = [
  [16, 11, 10, 16, 24, 40, 51, 61],
  [12, 12, 14, 19, 26, 58, 60, 55],
  [14, 13, 16, 24, 40, 57, 69, 56],
  [14, 17, 22, 29, 51, 87, 80, 62],
  [18, 22, 37, 56, 68, 109, 103, 77],
  [24, 35, 55, 64, 81, 104, 113, 92],
  [49, 64, 78, 87, 103, 121, 120, 101],
  [72, 92, 95, 98, 112, 100, 103, 99],
].flat();
const chrominanceSteps = [
  [17, 18, 24, 47],
  [18, 21, 26, 66],
  [24, 26, 56, 99],
  [47, 66, 99, 99],
]
  .flatMap((row) => [...row, 99, 99, 99, 99])
  .concat(Array<number>(32).fill(99));
