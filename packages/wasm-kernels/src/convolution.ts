import { ACTIVATION, type Kernels, type Windows } from './kernels.ts';

/**
 * Windows are gathered into blocks of about this size, which stay in the second level cache until the product has read them, but
 * of so many rows at least that the other operand, which a product packs once, is used often enough.
 */
const BLOCK_BYTES = 256 * 1024;
const FEWEST_ROWS = 240;

/** How a convolution of `batch` images is cut: rows of the windows' matrix, their length, and rows per block. */
interface Cut {
  readonly rows: number;
  readonly width: number;
  readonly block: number;
  /** A window is a pixel, and they follow each other as the pixels do: nothing is to be gathered. */
  readonly isPlain: boolean;
}

function cut(batch: number, windows: Windows): Cut {
  const [height, width, channels, outHeight, outWidth, filterHeight, filterWidth, strideHeight, strideWidth] =
    windows;
  const [top, left] = windows.slice(-2);
  const isPlain =
    filterHeight * filterWidth * strideHeight * strideWidth === 1 &&
    top === 0 &&
    left === 0 &&
    outHeight === height &&
    outWidth === width;
  const rows = batch * outHeight * outWidth;
  const length = filterHeight * filterWidth * channels;
  const block = isPlain
    ? rows
    : Math.min(rows, Math.max(FEWEST_ROWS, Math.floor(BLOCK_BYTES / (4 * length))));
  return { rows, width: length, block, isPlain };
}

/** Bytes of working memory that a convolution's gradients need. */
export function gradientScratch(kernels: Kernels, batch: number, windows: Windows, outputs: number): number {
  const { width, block, isPlain } = cut(batch, windows);
  const products = Math.max(
    kernels.productScratch(block, outputs, width),
    kernels.productScratch(block, width, outputs),
    kernels.productScratch(width, outputs, block),
  );
  return products + (isPlain ? 0 : 4 * block * width);
}

/** dfilter [window, outputs]: the windows of x, transposed, times dy [rows, outputs]; a block's sum begins with those before it. */
export function convolveFilterGradient(
  kernels: Kernels,
  batch: number,
  windows: Windows,
  outputs: number,
  x: number,
  dy: number,
  dFilter: number,
  scratch: number,
): void {
  const { rows, width, block, isPlain } = cut(batch, windows);
  const gathered = isPlain ? x : scratch;
  const rest = isPlain ? scratch : scratch + 4 * block * width;
  let row = 0;
  // Once also without any rows: the sums are then zero.
  do {
    const count = Math.min(block, rows - row);
    if (!isPlain) kernels.gatherWindows(...windows, row, count, x, gathered);
    kernels.product(
      width,
      outputs,
      count,
      gathered,
      4,
      4 * width,
      dy + 4 * row * outputs,
      4 * outputs,
      4,
      dFilter,
      4 * outputs,
      row === 0 ? 0 : dFilter,
      0,
      -Infinity,
      Infinity,
      ACTIVATION.none,
      0,
      rest,
    );
    row += block;
  } while (row < rows);
}

/** dx: dy [rows, outputs] times the filter, transposed, added where the windows were. */
export function convolveInputGradient(
  kernels: Kernels,
  batch: number,
  windows: Windows,
  outputs: number,
  dy: number,
  filter: number,
  dx: number,
  scratch: number,
): void {
  const { rows, width, block, isPlain } = cut(batch, windows);
  const gathered = isPlain ? dx : scratch;
  const rest = isPlain ? scratch : scratch + 4 * block * width;
  const [height, inWidth, channels] = windows;
  if (!isPlain) kernels.clear(dx, 4 * batch * height * inWidth * channels);
  for (let row = 0; row < rows; row += block) {
    const count = Math.min(block, rows - row);
    kernels.product(
      count,
      width,
      outputs,
      dy + 4 * row * outputs,
      4 * outputs,
      4,
      filter,
      4,
      4 * outputs,
      gathered,
      4 * width,
      0,
      0,
      -Infinity,
      Infinity,
      ACTIVATION.none,
      0,
      rest,
    );
    if (!isPlain) kernels.scatterWindows(...windows, row, count, dx, gathered);
  }
}
