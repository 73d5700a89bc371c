import { pack } from './pack';
import { rowTimesColumns, rowTimesRows } from './row';
import { COLUMNS, finish, finishRow, ROWS, tile, tileAdding } from './tile';

// Blocks sized for a 32 KiB first and a 512 KiB second level cache: a panel of B (8 x 256) stays in the first while the
// panels of A's block (120 x 256) pass by from the second.
const DEPTH_BLOCK: i32 = 256;
const ROW_BLOCK: i32 = 120;
const COLUMN_BLOCK: i32 = 1024;

const TILE_BYTES: usize = 4 * 5 * 8;
const BIAS_BYTES: usize = 4 * 8;

@inline
function roundUp(value: i32, unit: i32): i32 {
  return ((value + unit - 1) / unit) * unit;
}

/** Bytes of working memory that `product` needs for these sizes: one block of A, one of B, one tile, one tile's bias. */
export function productScratch(m: i32, n: i32, k: i32): i32 {
  const depth = min(k, DEPTH_BLOCK);
  const rows = roundUp(min(m, ROW_BLOCK), ROWS);
  const columns = roundUp(min(n, COLUMN_BLOCK), COLUMNS);
  return 4 * depth * (rows + columns) + <i32>(TILE_BYTES + BIAS_BYTES);
}

/**
 * C [m, n] = clamp(A [m, k] x B [k, n] + bias [n], low, high), float32.
 *
 * Offsets are bytes; steps are bytes from row to row and from column to column, so that a transposed operand is one whose
 * steps are exchanged. The columns of C and of the bias are contiguous. `bias` 0 stands for none. With k = 0 the sums are 0.
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
  bias: usize,
  low: f32,
  high: f32,
  scratch: usize,
): void {
  const finishing = bias != 0 || low > -Infinity || high < Infinity;
  if (m == 1 && (bColumnStep == 4 || (bRowStep == 4 && aColumnStep == 4))) {
    if (bColumnStep == 4) rowTimesRows(n, k, a, aColumnStep, b, bRowStep, c);
    else rowTimesColumns(n, k, a, b, bColumnStep, c);
    if (finishing) finishRow(n, c, bias, low, high);
  } else if (n == 1 && cStep == 4 && !finishing && (aRowStep == 4 || (aColumnStep == 4 && bRowStep == 4))) {
    // A single column is the single row of the transposed product.
    if (aRowStep == 4) rowTimesRows(m, k, b, bRowStep, a, aColumnStep, c);
    else rowTimesColumns(m, k, b, a, aRowStep, c);
  } else {
    blocks(m, n, k, a, aRowStep, aColumnStep, b, bRowStep, bColumnStep, c, cStep, finishing, bias, low, high, scratch);
  }
}

function blocks(
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
  finishing: bool,
  bias: usize,
  low: f32,
  high: f32,
  scratch: usize,
): void {
  const depthMost = min(k, DEPTH_BLOCK);
  const packedA = scratch;
  const packedB = packedA + 4 * <usize>(depthMost * roundUp(min(m, ROW_BLOCK), ROWS));
  const spare = packedB + 4 * <usize>(depthMost * roundUp(min(n, COLUMN_BLOCK), COLUMNS));
  const spareBias = spare + TILE_BYTES;
  // Adding -0 changes nothing, not even the sign of a zero.
  v128.store(spareBias, f32x4.splat(-0.0));
  v128.store(spareBias, f32x4.splat(-0.0), 16);

  for (let column = 0; column < n; column += COLUMN_BLOCK) {
    const columns = min(n - column, COLUMN_BLOCK);
    let start = 0;
    do {
      const depth = min(k - start, DEPTH_BLOCK);
      const last = finishing && start + depth == k;
      pack(b + <usize>start * bRowStep + <usize>column * bColumnStep, bColumnStep, bRowStep, columns, depth, COLUMNS, packedB);
      for (let row = 0; row < m; row += ROW_BLOCK) {
        const rows = min(m - row, ROW_BLOCK);
        pack(a + <usize>row * aRowStep + <usize>start * aColumnStep, aRowStep, aColumnStep, rows, depth, ROWS, packedA);
        for (let j = 0; j < columns; j += COLUMNS) {
          const width = min(columns - j, COLUMNS);
          const panelB = packedB + 4 * <usize>(j * depth);
          let biasHere = spareBias;
          if (bias != 0) {
            const from = bias + 4 * <usize>(column + j);
            if (width == COLUMNS) biasHere = from;
            else memory.copy(spareBias, from, 4 * <usize>width);
          }
          for (let i = 0; i < rows; i += ROWS) {
            const height = min(rows - i, ROWS);
            const target = c + <usize>(row + i) * cStep + 4 * <usize>(column + j);
            const whole = width == COLUMNS && height == ROWS;
            const place = whole ? target : spare;
            const step = whole ? cStep : 4 * <usize>COLUMNS;
            const panelA = packedA + 4 * <usize>(i * depth);
            if (start == 0) {
              tile(depth, panelA, panelB, place, step);
            } else {
              if (!whole) copyTile(target, cStep, spare, step, height, width);
              tileAdding(depth, panelA, panelB, place, step);
            }
            if (last) finish(place, step, biasHere, low, high);
            if (!whole) copyTile(spare, step, target, cStep, height, width);
          }
        }
      }
      start += depth;
    } while (start < k);
  }
}

function copyTile(from: usize, fromStep: usize, to: usize, toStep: usize, height: i32, width: i32): void {
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j++) {
      f32.store(to + 4 * <usize>j, f32.load(from + 4 * <usize>j));
    }
    from += fromStep;
    to += toStep;
  }
}
