// Transposition of any rank, as copies along four axes: two outer ones, then rows and columns. All steps are in bytes.

/** Elements of four bytes. Columns are contiguous in the source, and columns or rows in the target. */
export function transposeWords(
  count1: i32,
  from1: usize,
  to1: usize,
  count2: i32,
  from2: usize,
  to2: usize,
  rows: i32,
  fromRow: usize,
  toRow: usize,
  columns: i32,
  toColumn: usize,
  from: usize,
  to: usize,
): void {
  for (let i = 0; i < count1; i++) {
    for (let j = 0; j < count2; j++) {
      const source = from + <usize>i * from1 + <usize>j * from2;
      const target = to + <usize>i * to1 + <usize>j * to2;
      if (toColumn == 4) copyRows(rows, fromRow, toRow, columns, source, target);
      else swap(rows, fromRow, columns, toColumn, source, target);
    }
  }
}

/** The same for elements of one byte. */
export function transposeBytes(
  count1: i32,
  from1: usize,
  to1: usize,
  count2: i32,
  from2: usize,
  to2: usize,
  rows: i32,
  fromRow: usize,
  toRow: usize,
  columns: i32,
  toColumn: usize,
  from: usize,
  to: usize,
): void {
  for (let i = 0; i < count1; i++) {
    for (let j = 0; j < count2; j++) {
      for (let row = 0; row < rows; row++) {
        const source = from + <usize>i * from1 + <usize>j * from2 + <usize>row * fromRow;
        const target = to + <usize>i * to1 + <usize>j * to2 + <usize>row * toRow;
        for (let column = 0; column < columns; column++) {
          store<u8>(target + <usize>column * toColumn, load<u8>(source + <usize>column));
        }
      }
    }
  }
}

@inline
function copyRows(rows: i32, fromRow: usize, toRow: usize, columns: i32, from: usize, to: usize): void {
  for (let row = 0; row < rows; row++) {
    let column = 0;
    for (; column + 4 <= columns; column += 4) {
      v128.store(to + 4 * <usize>column, v128.load(from + 4 * <usize>column));
    }
    for (; column < columns; column++) i32.store(to + 4 * <usize>column, i32.load(from + 4 * <usize>column));
    from += fromRow;
    to += toRow;
  }
}

// Sixteen columns are one cache line of the source and sixteen rows one of the target.
const BLOCK: i32 = 16;

/** Exchanges rows and columns: row r of the source is column r of the target. */
@inline
function swap(rows: i32, fromRow: usize, columns: i32, toColumn: usize, from: usize, to: usize): void {
  if (columns < 4) {
    for (let c = 0; c < columns; c++) swapColumn(rows, from + 4 * <usize>c, fromRow, to + <usize>c * toColumn);
    return;
  }
  for (let column = 0; column < columns; column += BLOCK) {
    const endColumn = min(column + BLOCK, columns);
    for (let row = 0; row < rows; row += BLOCK) {
      const endRow = min(row + BLOCK, rows);
      let r = row;
      for (; r + 4 <= endRow; r += 4) {
        const source = from + <usize>r * fromRow;
        const target = to + 4 * <usize>r;
        let c = column;
        for (; c + 4 <= endColumn; c += 4) {
          swapFour(source + 4 * <usize>c, fromRow, target + <usize>c * toColumn, toColumn);
        }
        for (; c < endColumn; c++) swapColumn(4, source + 4 * <usize>c, fromRow, target + <usize>c * toColumn);
      }
      for (let c = column; c < endColumn; c++) {
        swapColumn(endRow - r, from + <usize>r * fromRow + 4 * <usize>c, fromRow, to + <usize>c * toColumn + 4 * <usize>r);
      }
    }
  }
}

@inline
function swapColumn(rows: i32, from: usize, fromRow: usize, to: usize): void {
  let r = 0;
  for (; r + 4 <= rows; r += 4) {
    v128.store(
      to + 4 * <usize>r,
      i32x4(
        i32.load(from),
        i32.load(from + fromRow),
        i32.load(from + 2 * fromRow),
        i32.load(from + 3 * fromRow),
      ),
    );
    from += 4 * fromRow;
  }
  for (; r < rows; r++) {
    i32.store(to + 4 * <usize>r, i32.load(from));
    from += fromRow;
  }
}

@inline
function swapFour(from: usize, fromRow: usize, to: usize, toColumn: usize): void {
  const a = v128.load(from);
  const b = v128.load(from + fromRow);
  const c = v128.load(from + 2 * fromRow);
  const d = v128.load(from + 3 * fromRow);
  const lowAB = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
  const lowCD = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
  const highAB = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
  const highCD = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i64>(lowAB, lowCD, 0, 2));
  v128.store(to + toColumn, v128.shuffle<i64>(lowAB, lowCD, 1, 3));
  v128.store(to + 2 * toColumn, v128.shuffle<i64>(highAB, highCD, 0, 2));
  v128.store(to + 3 * toColumn, v128.shuffle<i64>(highAB, highCD, 1, 3));
}
