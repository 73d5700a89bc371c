import { finish, NONE } from './epilogue';
import { load, store } from './lanes';
import { packColumns, packRows } from './pack';
import { packWindows, Windows } from './pack-windows';
import { rowTimesColumns, rowTimesRows } from './row';
import { COLUMNS, ROWS, tile, tileAdding } from './tile';

// Blocks sized for a 32 KiB first and a 1 MiB second level cache: a panel of B (at most 16 x 256) stays in the first while the
// panels of A's block (120 x 256) pass by from the second. B is packed as deep as it may take 1 MiB, so that a block of C is
// finished, or nearly so, while it is near.
const DEPTH_BLOCK: i32 = 256;
const ROW_BLOCK: i32 = 120;
const COLUMN_BLOCK: i32 = 1024;
const READ_BLOCK: i32 = 64;
const PACKED_B: i32 = 1024 * 256;

const TILE_BYTES: usize = 4 * ROWS * COLUMNS;

@inline
function roundUp(value: i32, unit: i32): i32 {
  return ((value + unit - 1) / unit) * unit;
}

/** How many rows of B are packed at once: one block, or as many blocks as there is room for. */
@inline
function packedDepth(n: i32, k: i32): i32 {
  const blocks = max(1, PACKED_B / (DEPTH_BLOCK * roundUp(min(max(n, 1), COLUMN_BLOCK), COLUMNS)));
  return min(k, blocks * DEPTH_BLOCK);
}

/** Bytes of working memory that `product` needs for these sizes: one block of A, one of B, one tile. */
export function productScratch(m: i32, n: i32, k: i32): i32 {
  const rows = roundUp(min(m, ROW_BLOCK), ROWS);
  const columns = roundUp(min(n, COLUMN_BLOCK), COLUMNS);
  return 4 * (min(k, DEPTH_BLOCK) * rows + packedDepth(n, k) * columns) + <i32>TILE_BYTES;
}

/**
 * C [m, n] = activation(clamp(FROM [m, n] + A [m, k] x B [k, n] + bias [n], low, high)), float32.
 *
 * Offsets are bytes; steps are bytes from row to row and from column to column, so that a transposed operand is one whose
 * steps are exchanged. The columns of C, FROM, `other` and the bias are contiguous, FROM and `other` have C's row step. `from`
 * and `bias` 0 stand for none, and so does `other` where nothing is to be kept; `activation` is one of epilogue.ts's codes.
 * With k = 0 the sums are FROM or 0.
 */
export function product(
  m: i32,
  n: i32,
  k: i32,
  a: usize,
  aRowStep: usize,
  aColumnStep: usize,
  b: usize,
  bRowStep: usize,
  bColumnStep: usize,
  c: usize,
  cStep: usize,
  from: usize,
  bias: usize,
  low: f32,
  high: f32,
  activation: i32,
  other: usize,
  scratch: usize,
): void {
  const finishing = bias != 0 || low > -Infinity || high < Infinity || activation != NONE;
  if (m == 1 && from == 0 && (bColumnStep == 4 || (bRowStep == 4 && aColumnStep == 4))) {
    if (bColumnStep == 4) rowTimesRows(n, k, a, aColumnStep, b, bRowStep, c);
    else rowTimesColumns(n, k, a, b, bColumnStep, c);
    if (finishing) finish(1, n, c, cStep, bias, low, high, activation, other);
  } else if (
    n == 1 &&
    from == 0 &&
    cStep == 4 &&
    !finishing &&
    (aRowStep == 4 || (aColumnStep == 4 && bRowStep == 4))
  ) {
    // A single column is the single row of the transposed product.
    if (aRowStep == 4) rowTimesRows(m, k, b, bRowStep, a, aColumnStep, c);
    else rowTimesColumns(m, k, b, a, aRowStep, c);
  } else {
    blocks(m, n, k, null, a, aRowStep, aColumnStep, b, bRowStep, bColumnStep, c, cStep, from, scratch, finishing, bias, low, high, activation, other);
  }
}

/** C [m, n] = clamp(A B + bias, low, high), where A's rows are windows of the images at `a`, and B and C are contiguous. */
export function productOfWindows(
  m: i32,
  n: i32,
  k: i32,
  a: usize,
  windows: Windows,
  b: usize,
  c: usize,
  bias: usize,
  low: f32,
  high: f32,
  scratch: usize,
): void {
  const finishing = bias != 0 || low > -Infinity || high < Infinity;
  const step: usize = 4 * <usize>n;
  blocks(m, n, k, windows, a, 0, 0, b, step, 4, c, step, 0, scratch, finishing, bias, low, high, NONE, 0);
}

function blocks(
  m: i32,
  n: i32,
  k: i32,
  windows: Windows | null,
  a: usize,
  aRowStep: usize,
  aColumnStep: usize,
  b: usize,
  bRowStep: usize,
  bColumnStep: usize,
  c: usize,
  cStep: usize,
  from: usize,
  scratch: usize,
  finishing: bool,
  bias: usize,
  low: f32,
  high: f32,
  activation: i32,
  other: usize,
): void {
  // A single row of tiles would not earn back the packing of columns that stand side by side already. Their rows lie far apart.
  const reads = m <= ROWS && bColumnStep == 4;
  const depthBlock = reads ? READ_BLOCK : DEPTH_BLOCK;
  const deep = packedDepth(n, k);
  const packedA = scratch;
  const packedB = packedA + 4 * <usize>(min(k, DEPTH_BLOCK) * roundUp(min(m, ROW_BLOCK), ROWS));
  const spare = packedB + 4 * <usize>(deep * roundUp(min(n, COLUMN_BLOCK), COLUMNS));
  const spareStep: usize = 4 * COLUMNS;
  // Where each element is written once, a last tile that does not fit is moved back over its neighbour: it writes the same bits.
  const once = k <= depthBlock && from != c;
  const movesRows = once && m >= ROWS;
  const movesColumns = once && n >= COLUMNS;

  for (let columnBlock = 0; columnBlock < n; columnBlock += COLUMN_BLOCK) {
    const column = movesColumns ? min(columnBlock, n - COLUMNS) : columnBlock;
    const columns = min(n - column, COLUMN_BLOCK);
    const direct = reads ? (movesColumns ? columns : columns - (columns % COLUMNS)) : 0;
    let first = 0;
    do {
      const end = min(k, first + deep);
      // Every block of the summed axis in panels of its own, `packedStep` bytes a row of B.
      const packedStep: usize = 4 * <usize>roundUp(columns, COLUMNS);
      for (let start = first; start < end; start += depthBlock) {
        const depth = min(end - start, depthBlock);
        packColumns(
          b + <usize>start * bRowStep + <usize>(column + direct) * bColumnStep,
          bColumnStep,
          bRowStep,
          columns - direct,
          depth,
          movesColumns,
          packedB + <usize>(start - first) * packedStep + 4 * <usize>(direct * depth),
        );
      }
      for (let rowBlock = 0; rowBlock < m; rowBlock += ROW_BLOCK) {
        const row = movesRows ? min(rowBlock, m - ROWS) : rowBlock;
        const rows = min(m - row, ROW_BLOCK);
        let start = first;
        do {
          const depth = min(end - start, depthBlock);
          const begin = start == 0 ? from : c;
          const blockB = b + <usize>start * bRowStep + <usize>column * bColumnStep;
          const panels = packedB + <usize>(start - first) * packedStep;
          if (windows != null) packWindows(a, windows, row, start, rows, depth, movesRows, packedA);
          else packRows(a + <usize>row * aRowStep + <usize>start * aColumnStep, aRowStep, aColumnStep, rows, depth, movesRows, packedA);
          for (let panel = 0; panel < columns; panel += COLUMNS) {
            const j = movesColumns ? min(panel, columns - COLUMNS) : panel;
            const width = min(columns - j, COLUMNS);
            const panelB = panel < direct ? blockB + 4 * <usize>j : panels + 4 * <usize>(panel * depth);
            const bStep = panel < direct ? bRowStep : 4 * COLUMNS;
            const stripe = <usize>row * cStep + 4 * <usize>(column + j);
            for (let group = 0; group < rows; group += ROWS) {
              const i = movesRows ? min(group, rows - ROWS) : group;
              const height = min(rows - i, ROWS);
              const at = stripe + <usize>i * cStep;
              const panelA = packedA + 4 * <usize>(group * depth);
              if (width == COLUMNS && height == ROWS) {
                if (begin == 0) tile(depth, panelA, panelB, bStep, c + at, cStep);
                else tileAdding(depth, panelA, panelB, bStep, begin + at, c + at, cStep);
              } else {
                if (begin == 0) tile(depth, panelA, panelB, bStep, spare, spareStep);
                else {
                  copyTile(begin + at, cStep, spare, spareStep, height, width);
                  tileAdding(depth, panelA, panelB, bStep, spare, spare, spareStep);
                }
                copyTile(spare, spareStep, c + at, cStep, height, width);
              }
            }
            if (finishing && start + depth == k) {
              const biasHere: usize = bias == 0 ? 0 : bias + 4 * <usize>(column + j);
              const beside: usize = other == 0 ? 0 : other + stripe;
              finish(rows, width, c + stripe, cStep, biasHere, low, high, activation, beside);
            }
          }
          start += depthBlock;
        } while (start < end);
      }
      first += deep;
    } while (first < k);
  }
}

/** Copies `height` rows of `width` elements. */
function copyTile(from: usize, fromStep: usize, to: usize, toStep: usize, height: i32, width: i32): void {
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j += 4) store(to + 4 * <usize>j, load(from + 4 * <usize>j, width - j, 0), width - j);
    from += fromStep;
    to += toStep;
  }
}
