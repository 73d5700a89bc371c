// Convolutions as products: of the images' windows, see windows.ts, and the filter.

import { NONE } from './epilogue';
import { Windows } from './pack-windows';
import { product, productOfWindows, productScratch } from './product';
import { copy } from './windows';

// Images are padded so many at a time that they stay in the second level cache, and that packing the filter for them pays.
const PADDED: i32 = 256 * 1024;
const FEWEST_WINDOWS: i32 = 240;

/** Rows, or columns, of an image that the windows reach over. */
@inline
export function reach(count: i32, stride: i32, filter: i32, dilation: i32): i32 {
  return (count - 1) * stride + (filter - 1) * dilation + 1;
}

/** Whether windows reach beyond the image. */
@inline
function isPadded(height: i32, width: i32, top: i32, left: i32, reachedHeight: i32, reachedWidth: i32): bool {
  return top != 0 || left != 0 || reachedHeight > height || reachedWidth > width;
}

/** How many images are padded at once. */
@inline
function imagesAtOnce(batch: i32, windows: i32, elements: i32): i32 {
  return min(batch, max(1, max(FEWEST_WINDOWS / windows, PADDED / max(1, elements))));
}

/** Bytes of working memory that `convolution` needs for these sizes. */
export function convolutionScratch(
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
  outputs: i32,
): i32 {
  const reachedHeight = reach(outHeight, strideHeight, filterHeight, dilationHeight);
  const reachedWidth = reach(outWidth, strideWidth, filterWidth, dilationWidth);
  const pads = isPadded(height, width, top, left, reachedHeight, reachedWidth);
  const size = reachedHeight * reachedWidth * channels;
  return (
    <i32>offsetof<Windows>() +
    (pads ? 4 * imagesAtOnce(batch, outHeight * outWidth, size) * size : 0) +
    productScratch(batch * outHeight * outWidth, outputs, filterHeight * filterWidth * channels)
  );
}

/** y = clamp(x * filter + bias, low, high): x [batch, height, width, channels], filter [filterHeight, filterWidth, channels, outputs], bias [outputs] or 0 for none. */
export function convolution(
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
  outputs: i32,
  x: usize,
  filter: usize,
  bias: usize,
  low: f32,
  high: f32,
  y: usize,
  scratch: usize,
): void {
  const k = filterHeight * filterWidth * channels;
  if (filterHeight * filterWidth * strideHeight * strideWidth == 1 && top == 0 && left == 0 && outHeight == height && outWidth == width) {
    // Windows are pixels.
    product(batch * height * width, outputs, k, x, 4 * channels, 4, filter, 4 * outputs, 4, y, 4 * outputs, 0, bias, low, high, NONE, 0, scratch);
    return;
  }
  const reachedHeight = reach(outHeight, strideHeight, filterHeight, dilationHeight);
  const reachedWidth = reach(outWidth, strideWidth, filterWidth, dilationWidth);
  const pads = isPadded(height, width, top, left, reachedHeight, reachedWidth);
  const lines = pads ? reachedHeight : height;
  const line = 4 * (pads ? reachedWidth : width) * channels;
  const atOnce = pads ? imagesAtOnce(batch, outHeight * outWidth, reachedHeight * reachedWidth * channels) : batch;
  const padded = scratch + offsetof<Windows>();
  const rest = padded + (pads ? <usize>atOnce * lines * line : 0);

  const windows = changetype<Windows>(scratch);
  const joined = dilationWidth == 1;
  windows.outHeight = outHeight;
  windows.outWidth = outWidth;
  windows.imageStep = lines * line;
  windows.rowStep = strideHeight * line;
  windows.columnStep = 4 * strideWidth * channels;
  windows.run = max(1, joined ? filterWidth * channels : channels);
  windows.across = joined ? 1 : filterWidth;
  windows.acrossStep = 4 * dilationWidth * channels;
  windows.downStep = dilationHeight * line;

  if (pads) memory.fill(padded, 0, <usize>atOnce * lines * line);
  for (let first = 0; first < batch; first += atOnce) {
    const images = min(atOnce, batch - first);
    if (pads) {
      for (let image = 0; image < images; image++) {
        const from = x + 4 * <usize>(first + image) * height * width * channels;
        inset(from, height, 4 * width * channels, top, 4 * left * channels, lines, line, padded + <usize>image * lines * line);
      }
    }
    const count = images * outHeight * outWidth;
    const at = y + 4 * <usize>first * outHeight * outWidth * outputs;
    productOfWindows(count, outputs, k, pads ? padded : x, windows, filter, at, bias, low, high, rest);
  }
}

/**
 * Copies an image of `height` rows of `row` bytes to one of `lines` lines of `line` bytes, `top` and `left` from its corner; what
 * lies beside is left as it is.
 */
function inset(from: usize, height: i32, row: i32, top: i32, left: i32, lines: i32, line: i32, to: usize): void {
  const inside = min(row, line - left) >> 2;
  const end = min(height, lines - top);
  to += <usize>top * line + left;
  for (let i = 0; i < end; i++) {
    copy(from, to, inside);
    from += row;
    to += line;
  }
}
