// Convolutions of each channel with filters of its own: x [batch, height, width, channels], filter [filterHeight, filterWidth,
// channels, multiplier], y [batch, outHeight, outWidth, channels * multiplier].

import { reach } from './convolution';
import { load, store } from './lanes';
import { copy } from './windows';

// Lines of x are padded, and their channels repeated for the filters of each, so many at a time that they stay in the second
// level cache.
const BAND: i32 = 256 * 1024;

/** Elements that are computed at once. */
const CHUNK: i32 = 16;

/** The filter's channels are repeated until a chunk may start at any of the first ones, so many. */
@inline
function period(outputs: i32): i32 {
  return outputs * ((CHUNK + outputs - 1) / max(1, outputs));
}

/** Rows of y that are computed from one band. */
@inline
function rowsAtOnce(outHeight: i32, stride: i32, reached: i32, line: i32): i32 {
  return min(outHeight, max(1, (BAND / max(1, line) - reached) / stride + 1));
}

/** Bytes of working memory that `depthwise` needs for these sizes. */
export function depthwiseScratch(
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
): i32 {
  const outputs = channels * multiplier;
  const line = 4 * outputs * reach(outWidth, strideWidth, filterWidth, dilationWidth);
  const rows = rowsAtOnce(outHeight, strideHeight, reach(1, strideHeight, filterHeight, dilationHeight), line);
  const repeated = 4 * (period(outputs) + CHUNK) * (filterHeight * filterWidth + 1);
  return repeated + reach(rows, strideHeight, filterHeight, dilationHeight) * line + 4 * CHUNK;
}

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
  scratch: usize,
): void {
  const outputs = channels * multiplier;
  if (multiplier == 1 && outputs % CHUNK == 0) {
    inPlace(batch, height, width, channels, outHeight, outWidth, filterHeight, filterWidth, strideHeight, strideWidth, dilationHeight, dilationWidth, top, left, x, filter, bias, low, high, y);
    return;
  }
  const pixel: usize = 4 * <usize>outputs;
  const line = <i32>pixel * reach(outWidth, strideWidth, filterWidth, dilationWidth);
  const rows = rowsAtOnce(outHeight, strideHeight, reach(1, strideHeight, filterHeight, dilationHeight), line);
  const lines = reach(rows, strideHeight, filterHeight, dilationHeight);

  const turn = period(outputs);
  const tap: usize = 4 * <usize>(turn + CHUNK);
  const taps = filterHeight * filterWidth;
  const sums = scratch;
  const weights = sums + tap;
  const band = weights + tap * taps;
  if (bias == 0) memory.fill(sums, 0, tap);
  else repeat(bias, outputs, turn + CHUNK, sums);
  for (let t = 0; t < taps; t++) repeat(filter + <usize>t * pixel, outputs, turn + CHUNK, weights + <usize>t * tap);

  // Outputs of windows that lie side by side are one row of outputs; otherwise each window is one.
  const joined = strideWidth == 1;
  const windows = joined ? 1 : outWidth;
  const length = joined ? outWidth * outputs : outputs;
  const across = <usize>dilationWidth * pixel;
  const down = <usize>dilationHeight * line;
  const from = f32x4.splat(low);
  const to = f32x4.splat(high);
  const inside = min(width, line / <i32>pixel - left) * channels;
  memory.fill(band, 0, <usize>lines * line);
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < outHeight; i++) {
      const number = i % rows;
      if (number == 0) {
        const count = reach(min(rows, outHeight - i), strideHeight, filterHeight, dilationHeight);
        for (let l = 0; l < count; l++) {
          const row = i * strideHeight - top + l;
          const target = band + <usize>l * line;
          if (row < 0 || row >= height) memory.fill(target, 0, line);
          else spread(x + 4 * <usize>row * width * channels, inside, multiplier, target + <usize>left * pixel);
        }
      }
      let place = band + <usize>(number * strideHeight) * line;
      for (let j = 0; j < windows; j++) {
        let phase = 0;
        let o = 0;
        for (; o + CHUNK <= length; o += CHUNK) {
          const at: usize = 4 * <usize>phase;
          let s0 = v128.load(sums + at);
          let s1 = v128.load(sums + at, 16);
          let s2 = v128.load(sums + at, 32);
          let s3 = v128.load(sums + at, 48);
          let w = weights + at;
          let start = place + 4 * <usize>o;
          for (let a = 0; a < filterHeight; a++) {
            let p = start;
            const end = w + <usize>filterWidth * tap;
            while (w < end) {
              s0 = f32x4.add(s0, f32x4.mul(v128.load(p), v128.load(w)));
              s1 = f32x4.add(s1, f32x4.mul(v128.load(p, 16), v128.load(w, 16)));
              s2 = f32x4.add(s2, f32x4.mul(v128.load(p, 32), v128.load(w, 32)));
              s3 = f32x4.add(s3, f32x4.mul(v128.load(p, 48), v128.load(w, 48)));
              p += across;
              w += tap;
            }
            start += down;
          }
          v128.store(y, f32x4.min(f32x4.max(s0, from), to));
          v128.store(y, f32x4.min(f32x4.max(s1, from), to), 16);
          v128.store(y, f32x4.min(f32x4.max(s2, from), to), 32);
          v128.store(y, f32x4.min(f32x4.max(s3, from), to), 48);
          y += 4 * CHUNK;
          phase += CHUNK;
          if (phase >= turn) phase -= turn;
        }
        for (; o < length; o += 4) {
          const at: usize = 4 * <usize>phase;
          let s = v128.load(sums + at);
          let w = weights + at;
          let start = place + 4 * <usize>o;
          for (let a = 0; a < filterHeight; a++) {
            let p = start;
            const end = w + <usize>filterWidth * tap;
            while (w < end) {
              s = f32x4.add(s, f32x4.mul(v128.load(p), v128.load(w)));
              p += across;
              w += tap;
            }
            start += down;
          }
          const count = min(4, length - o);
          store(y, f32x4.min(f32x4.max(s, from), to), count);
          y += 4 * <usize>count;
          phase += 4;
        }
        place += <usize>strideWidth * pixel;
      }
    }
    x += 4 * <usize>(height * width) * channels;
  }
}

/** The same for whole chunks of channels, one filter each: x is read where it lies, without the taps in the padding. */
function inPlace(
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
  x: usize,
  filter: usize,
  bias: usize,
  low: f32,
  high: f32,
  y: usize,
): void {
  const pixel: usize = 4 * <usize>channels;
  const across = <usize>dilationWidth * pixel;
  const down = <usize>(dilationHeight * width) * pixel;
  const from = f32x4.splat(low);
  const to = f32x4.splat(high);
  const filterRow = <usize>filterWidth * pixel;
  const rowStep = <usize>(strideHeight * width) * pixel;
  const rowBytes = <usize>outWidth * pixel;
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < outHeight; ) {
      const row = i * strideHeight - top;
      const firstA = firstTap(row, dilationHeight);
      const endA = endTap(row, dilationHeight, height, filterHeight);
      // Two rows share what is read of the filter, unless the padding takes different taps from them or one is left.
      const next = row + strideHeight;
      const two = i + 1 < outHeight && firstTap(next, dilationHeight) == firstA && endTap(next, dilationHeight, height, filterHeight) == endA;
      for (let j = 0; j < outWidth; j++) {
        const column = j * strideWidth - left;
        const firstC = firstTap(column, dilationWidth);
        const taps = <usize>(endTap(column, dilationWidth, width, filterWidth) - firstC) * pixel;
        const place = x + <usize>((row + firstA * dilationHeight) * width + column + firstC * dilationWidth) * pixel;
        const weights = filter + <usize>(firstA * filterWidth + firstC) * pixel;
        const target = y + <usize>j * pixel;
        if (two) window(true, endA - firstA, taps, pixel, across, down, filterRow, place, rowStep, weights, bias, from, to, target, rowBytes);
        else window(false, endA - firstA, taps, pixel, across, down, filterRow, place, 32, weights, bias, from, to, target, 32);
      }
      y += two ? 2 * rowBytes : rowBytes;
      i += two ? 2 : 1;
    }
    x += <usize>(height * width) * pixel;
  }
}

/**
 * A window's outputs, four vectors at a time: of `two` windows that lie `apart`, two channel vectors each, or of one, four. `taps`
 * is the length of a row of taps in bytes of the filter.
 */
@inline
function window(
  two: bool,
  rows: i32,
  taps: usize,
  pixel: usize,
  across: usize,
  down: usize,
  filterRow: usize,
  x: usize,
  apart: usize,
  filter: usize,
  bias: usize,
  low: v128,
  high: v128,
  y: usize,
  apartY: usize,
): void {
  const none = f32x4.splat(0);
  for (let at: usize = 0; at < pixel; at += two ? 32 : 64) {
    let s0 = bias != 0 ? v128.load(bias + at) : none;
    let s1 = bias != 0 ? v128.load(bias + at, 16) : none;
    let s2 = two ? s0 : bias != 0 ? v128.load(bias + at, 32) : none;
    let s3 = two ? s1 : bias != 0 ? v128.load(bias + at, 48) : none;
    let start = x + at;
    let first = filter + at;
    for (let a = 0; a < rows; a++) {
      let p = start;
      let w = first;
      const end = first + taps;
      while (w < end) {
        const w0 = v128.load(w);
        const w1 = v128.load(w, 16);
        s0 = f32x4.add(s0, f32x4.mul(v128.load(p), w0));
        s1 = f32x4.add(s1, f32x4.mul(v128.load(p, 16), w1));
        s2 = f32x4.add(s2, f32x4.mul(v128.load(p + apart), two ? w0 : v128.load(w, 32)));
        s3 = f32x4.add(s3, f32x4.mul(v128.load(p + apart, 16), two ? w1 : v128.load(w, 48)));
        p += across;
        w += pixel;
      }
      start += down;
      first += filterRow;
    }
    const target = y + at;
    v128.store(target, f32x4.min(f32x4.max(s0, low), high));
    v128.store(target, f32x4.min(f32x4.max(s1, low), high), 16);
    v128.store(target + apartY, f32x4.min(f32x4.max(s2, low), high));
    v128.store(target + apartY, f32x4.min(f32x4.max(s3, low), high), 16);
  }
}

/** Fills `count` elements with the first `length` ones of `from`, over and over. */
function repeat(from: usize, length: i32, count: i32, to: usize): void {
  copy(from, to, length);
  const back = 4 * <usize>length;
  for (let i = length; i < count; i++) f32.store(to + 4 * <usize>i, f32.load(to + 4 * <usize>i - back));
}

/** Copies `count` elements, each `times` times. */
function spread(from: usize, count: i32, times: i32, to: usize): void {
  if (times == 1) {
    copy(from, to, count);
    return;
  }
  for (let i = 0; i < count; i++) {
    const value = f32.load(from + 4 * <usize>i);
    let t = 0;
    for (; t + 4 <= times; t += 4) v128.store(to + 4 * <usize>t, f32x4.splat(value));
    for (; t < times; t++) f32.store(to + 4 * <usize>t, value);
    to += 4 * <usize>times;
  }
}

/** dx of `depthwise`. Taps that lie in the padding are left out. */
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
