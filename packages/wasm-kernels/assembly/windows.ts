// A convolution's windows as the rows of a matrix: position (b, i, j) of the output is row (b * outHeight + i) * outWidth + j,
// and holds the [filterHeight, filterWidth, channels] that the filter meets there. What lies in the padding is zero.

/** Copies `count` windows of x [batch, height, width, channels], from number `first` on, to `rows`. */
export function gatherWindows(
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
  first: i32,
  count: i32,
  x: usize,
  rows: usize,
): void {
  walk(false, height, width, channels, outHeight, outWidth, filterHeight, filterWidth, strideHeight, strideWidth, dilationHeight, dilationWidth, top, left, first, count, x, rows);
}

/** The adjoint of `gatherWindows`: adds the rows to the places of x that they would be copied from. */
export function scatterWindows(
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
  first: i32,
  count: i32,
  x: usize,
  rows: usize,
): void {
  walk(true, height, width, channels, outHeight, outWidth, filterHeight, filterWidth, strideHeight, strideWidth, dilationHeight, dilationWidth, top, left, first, count, x, rows);
}

@inline
function walk(
  adding: bool,
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
  first: i32,
  count: i32,
  x: usize,
  rows: usize,
): void {
  const pixel: usize = 4 * <usize>channels;
  const line: usize = pixel * width;
  // Taps that stand side by side in x are moved as one.
  const run = dilationWidth == 1 ? filterWidth : 1;
  let column = first % outWidth;
  let row = (first / outWidth) % outHeight;
  x += <usize>(first / outWidth / outHeight) * height * line;
  for (let n = 0; n < count; n++) {
    for (let tap = 0; tap < filterWidth; tap += run) {
      const start = column * strideWidth - left + tap * dilationWidth;
      const before = min(max(-start, 0), run);
      const end = max(min(run, width - start), before);
      const inside = (end - before) * channels;
      let from = row * strideHeight - top;
      let there = x + <usize>from * line + <usize>(start + before) * pixel;
      let here = rows + <usize>tap * pixel;
      for (let a = 0; a < filterHeight; a++) {
        if (from >= 0 && from < height) {
          if (adding) {
            add(here + <usize>before * pixel, there, inside);
          } else {
            zeros(here, before * channels);
            copy(there, here + <usize>before * pixel, inside);
            zeros(here + <usize>end * pixel, (run - end) * channels);
          }
        } else if (!adding) {
          zeros(here, run * channels);
        }
        from += dilationHeight;
        there += <usize>dilationHeight * line;
        here += <usize>filterWidth * pixel;
      }
    }
    rows += <usize>(filterHeight * filterWidth) * pixel;
    if (++column == outWidth) {
      column = 0;
      if (++row == outHeight) {
        row = 0;
        x += <usize>height * line;
      }
    }
  }
}

/** Zeroes `bytes` of memory. */
export function clear(to: usize, bytes: usize): void {
  memory.fill(to, 0, bytes);
}

@inline
function zeros(to: usize, count: i32): void {
  for (let i = 0; i < count; i++) f32.store(to + 4 * <usize>i, 0);
}

@inline
export function copy(from: usize, to: usize, count: i32): void {
  if (count < 4) {
    for (let i = 0; i < count; i++) f32.store(to + 4 * <usize>i, f32.load(from + 4 * <usize>i));
    return;
  }
  // The last four may overlap with those before.
  const last: usize = 4 * <usize>(count - 4);
  for (let at: usize = 0; at < last; at += 16) v128.store(to + at, v128.load(from + at));
  v128.store(to + last, v128.load(from + last));
}

@inline
function add(from: usize, to: usize, count: i32): void {
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const at: usize = 4 * <usize>i;
    v128.store(to + at, f32x4.add(v128.load(to + at), v128.load(from + at)));
  }
  for (; i < count; i++) {
    const at: usize = 4 * <usize>i;
    f32.store(to + at, f32.load(to + at) + f32.load(from + at));
  }
}
