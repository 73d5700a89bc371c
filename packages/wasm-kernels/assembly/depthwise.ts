// Convolutions of each channel with filters of its own: x [batch, height, width, channels], filter [filterHeight, filterWidth,
// channels, multiplier], y [batch, outHeight, outWidth, channels * multiplier]. Taps that lie in the padding are left out.

import { load, store } from './lanes';

/** y = clamp(x * filter + bias, low, high), bias [channels * multiplier] or 0 for none. */
export function depthwise(
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  dilationHeight: i32,
  dilationWidth: i32,
  top: i32,
  left: i32,
  multiplier: i32,
  x: usize,
  filter: usize,
  bias: usize,
  low: f32,
  high: f32,
  y: usize,
): void {
  const pixel: usize = 4 * <usize>channels;
  const outputs = channels * multiplier;
  const tap: usize = 4 * <usize>outputs;
  const from = f32x4.splat(low);
  const to = f32x4.splat(high);
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < outHeight; i++) {
      const row = i * strideHeight - top;
      const firstA = firstTap(row, dilationHeight);
      const endA = endTap(row, dilationHeight, height, filterHeight);
      for (let j = 0; j < outWidth; j++) {
        const column = j * strideWidth - left;
        const firstC = firstTap(column, dilationWidth);
        const endC = endTap(column, dilationWidth, width, filterWidth);
        let o = 0;
        if (multiplier == 1) {
          for (; o + 16 <= outputs; o += 16) {
            const at: usize = 4 * <usize>o;
            let s0 = bias != 0 ? v128.load(bias + at) : f32x4.splat(0);
            let s1 = bias != 0 ? v128.load(bias + at, 16) : f32x4.splat(0);
            let s2 = bias != 0 ? v128.load(bias + at, 32) : f32x4.splat(0);
            let s3 = bias != 0 ? v128.load(bias + at, 48) : f32x4.splat(0);
            for (let a = firstA; a < endA; a++) {
              let p = x + <usize>((row + a * dilationHeight) * width + column + firstC * dilationWidth) * pixel + at;
              let w = filter + <usize>(a * filterWidth + firstC) * tap + at;
              for (let c = firstC; c < endC; c++) {
                s0 = f32x4.add(s0, f32x4.mul(v128.load(p), v128.load(w)));
                s1 = f32x4.add(s1, f32x4.mul(v128.load(p, 16), v128.load(w, 16)));
                s2 = f32x4.add(s2, f32x4.mul(v128.load(p, 32), v128.load(w, 32)));
                s3 = f32x4.add(s3, f32x4.mul(v128.load(p, 48), v128.load(w, 48)));
                p += <usize>dilationWidth * pixel;
                w += tap;
              }
            }
            v128.store(y + at, f32x4.min(f32x4.max(s0, from), to));
            v128.store(y + at, f32x4.min(f32x4.max(s1, from), to), 16);
            v128.store(y + at, f32x4.min(f32x4.max(s2, from), to), 32);
            v128.store(y + at, f32x4.min(f32x4.max(s3, from), to), 48);
          }
        }
        for (; o < outputs; o += 4) {
          const at: usize = 4 * <usize>o;
          const count = outputs - o;
          let s = bias != 0 ? load(bias + at, count, 0) : f32x4.splat(0);
          for (let a = firstA; a < endA; a++) {
            let p = x + <usize>((row + a * dilationHeight) * width + column + firstC * dilationWidth) * pixel;
            let w = filter + <usize>(a * filterWidth + firstC) * tap + at;
            for (let c = firstC; c < endC; c++) {
              s = f32x4.add(s, f32x4.mul(repeated(p, o, count, multiplier), load(w, count, 0)));
              p += <usize>dilationWidth * pixel;
              w += tap;
            }
          }
          store(y + at, f32x4.min(f32x4.max(s, from), to), count);
        }
        y += tap;
      }
    }
    x += <usize>(height * width) * pixel;
  }
}

/** dx of `depthwise`. */
export function depthwiseInputGradient(
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  dilationHeight: i32,
  dilationWidth: i32,
  top: i32,
  left: i32,
  multiplier: i32,
  dy: usize,
  filter: usize,
  dx: usize,
): void {
  memory.fill(dx, 0, 4 * <usize>batch * height * width * channels);
  gradient(true, batch, height, width, channels, outHeight, outWidth, filterHeight, filterWidth, strideHeight, strideWidth, dilationHeight, dilationWidth, top, left, multiplier, dy, filter, dx);
}

/** dfilter of `depthwise`. */
export function depthwiseFilterGradient(
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  dilationHeight: i32,
  dilationWidth: i32,
  top: i32,
  left: i32,
  multiplier: i32,
  x: usize,
  dy: usize,
  dFilter: usize,
): void {
  memory.fill(dFilter, 0, 4 * <usize>filterHeight * filterWidth * channels * multiplier);
  gradient(false, batch, height, width, channels, outHeight, outWidth, filterHeight, filterWidth, strideHeight, strideWidth, dilationHeight, dilationWidth, top, left, multiplier, dy, dFilter, x);
}

/** Of x and the filter, the one that is the gradient's target is added to, the other one is read. */
@inline
function gradient(
  ofInput: bool,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  dilationHeight: i32,
  dilationWidth: i32,
  top: i32,
  left: i32,
  multiplier: i32,
  dy: usize,
  filter: usize,
  x: usize,
): void {
  const pixel: usize = 4 * <usize>channels;
  const outputs = channels * multiplier;
  const tap: usize = 4 * <usize>outputs;
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < outHeight; i++) {
      const row = i * strideHeight - top;
      const firstA = firstTap(row, dilationHeight);
      const endA = endTap(row, dilationHeight, height, filterHeight);
      for (let j = 0; j < outWidth; j++) {
        const column = j * strideWidth - left;
        const firstC = firstTap(column, dilationWidth);
        const endC = endTap(column, dilationWidth, width, filterWidth);
        for (let a = firstA; a < endA; a++) {
          for (let c = firstC; c < endC; c++) {
            const p = x + <usize>((row + a * dilationHeight) * width + column + c * dilationWidth) * pixel;
            const w = filter + <usize>(a * filterWidth + c) * tap;
            if (multiplier == 1) {
              if (ofInput) addProducts(p, dy, w, channels);
              else addProducts(w, dy, p, channels);
            } else {
              for (let o = 0; o < outputs; o++) {
                const at: usize = 4 * <usize>o;
                const source = p + 4 * <usize>(o / multiplier);
                const target = ofInput ? source : w + at;
                const factor = f32.load(ofInput ? w + at : source);
                f32.store(target, f32.load(target) + f32.load(dy + at) * factor);
              }
            }
          }
        }
        dy += tap;
      }
    }
    x += <usize>(height * width) * pixel;
  }
}

/** to += a * b, element by element. */
@inline
function addProducts(to: usize, a: usize, b: usize, count: i32): void {
  for (let i = 0; i < count; i += 4) {
    const at: usize = 4 * <usize>i;
    const left = count - i;
    const value = f32x4.mul(load(a + at, left, 0), load(b + at, left, 0));
    store(to + at, f32x4.add(load(to + at, left, 0), value), left);
  }
}

/** The first tap that does not lie before the image, for a window that starts at `start`. */
@inline
function firstTap(start: i32, dilation: i32): i32 {
  return start < 0 ? (dilation - 1 - start) / dilation : 0;
}

/** The number of taps up to the image's end, at most all of them. */
@inline
function endTap(start: i32, dilation: i32, size: i32, taps: i32): i32 {
  return min(taps, (size - start + dilation - 1) / dilation);
}

/** x of output channels o, o + 1, ..., each channel repeated for its filters. */
@inline
function repeated(x: usize, o: i32, count: i32, multiplier: i32): v128 {
  if (multiplier == 1) return load(x + 4 * <usize>o, count, 0);
  return f32x4(
    f32.load(x + 4 * <usize>(o / multiplier)),
    f32.load(x + 4 * <usize>((o + min(1, count - 1)) / multiplier)),
    f32.load(x + 4 * <usize>((o + min(2, count - 1)) / multiplier)),
    f32.load(x + 4 * <usize>((o + min(3, count - 1)) / multiplier)),
  );
}
