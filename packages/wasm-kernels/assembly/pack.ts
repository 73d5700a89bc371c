// Packing: copies a block of an operand into panels that the tile kernel reads from front to back.
// A panel holds `width` lines side by side: element (k, line) stands at k * width + line. Missing lines are zero.

import { COLUMNS, ROWS } from './tile';

/** Packs `lines` x `depth` elements of A at `from` into panels of ROWS lines; steps in bytes; `lines` >= ROWS where the last panel `moves`. */
export function packRows(from: usize, lineStep: usize, depthStep: usize, lines: i32, depth: i32, moves: bool, to: usize): void {
  pack(from, lineStep, depthStep, lines, depth, ROWS, moves, to);
}

/** Packs `lines` x `depth` elements of B at `from` into panels of COLUMNS lines, as `packRows`. */
export function packColumns(from: usize, lineStep: usize, depthStep: usize, lines: i32, depth: i32, moves: bool, to: usize): void {
  pack(from, lineStep, depthStep, lines, depth, COLUMNS, moves, to);
}

/**
 * `lineStep` and `depthStep` are the distances in bytes between neighbouring lines and along the summed axis. The last panel
 * holds the lines that are left, or where it `moves`, the last `width` ones.
 */
@inline
function pack(
  from: usize,
  lineStep: usize,
  depthStep: usize,
  lines: i32,
  depth: i32,
  width: i32,
  moves: bool,
  to: usize,
): void {
  const stride = <usize>(4 * width);
  const panel = stride * <usize>depth;
  let line = 0;
  if (lineStep == 4 && depthStep != 4) {
    // A few rows at a time: they lie on pages of their own, of which the processor remembers some dozens.
    const whole = moves ? lines : lines - (lines % width);
    for (let k = 0; k < depth; k += 16) {
      let target = to + stride * <usize>k;
      for (line = 0; line < whole; line += width) {
        const source = from + <usize>k * depthStep + 4 * <usize>min(line, lines - width);
        copied(source, depthStep, min(16, depth - k), width, target);
        target += panel;
      }
    }
    to += panel * <usize>(line / width);
  } else {
    while (line + width <= lines || (moves && line < lines)) {
      const source = from + <usize>min(line, lines - width) * lineStep;
      if (depthStep == 4) transposed(source, lineStep, depth, width, to);
      else scattered(source, lineStep, depthStep, width, depth, width, to);
      line += width;
      to += panel;
    }
  }
  if (line < lines) {
    let source = from + <usize>line * lineStep;
    memory.fill(to, 0, panel);
    for (; line + 4 <= lines && depthStep == 4; line += 4) {
      fourLines(source, lineStep, depth, to, stride);
      source += 4 * lineStep;
      to += 16;
    }
    scattered(source, lineStep, depthStep, lines - line, depth, width, to);
  }
}

/** Lines that stand side by side. */
@inline
function copied(from: usize, depthStep: usize, depth: i32, width: i32, to: usize): void {
  for (let k = 0; k < depth; k++) {
    for (let i = 0; i + 4 <= width; i += 4) v128.store(to + 4 * <usize>i, v128.load(from + 4 * <usize>i));
    const rest = to + <usize>(4 * (width & ~3));
    const last = from + <usize>(4 * (width & ~3));
    if ((width & 2) != 0) i64.store(rest, i64.load(last));
    if ((width & 1) != 0) i32.store(rest + <usize>(4 * (width & 2)), i32.load(last + <usize>(4 * (width & 2))));
    from += depthStep;
    to += <usize>(4 * width);
  }
}

/** A whole panel of lines that are contiguous along the summed axis. */
@inline
function transposed(from: usize, lineStep: usize, depth: i32, width: i32, to: usize): void {
  const stride = <usize>(4 * width);
  let line = 0;
  for (; line + 4 <= width; line += 4) fourLines(from + <usize>line * lineStep, lineStep, depth, to + <usize>(4 * line), stride);
  if ((width & 2) != 0) {
    twoLines(from + <usize>line * lineStep, lineStep, depth, to + <usize>(4 * line), stride);
    line += 2;
  }
  if ((width & 1) != 0) oneLine(from + <usize>line * lineStep, depth, to + <usize>(4 * line), stride);
}

/** Transposes blocks of 4 x 4. */
@inline
function fourLines(from: usize, step: usize, depth: i32, to: usize, stride: usize): void {
  let k = 0;
  for (; k + 4 <= depth; k += 4) {
    const a = v128.load(from);
    const b = v128.load(from + step);
    const c = v128.load(from + 2 * step);
    const d = v128.load(from + 3 * step);
    const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
    const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
    const ab2 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
    const cd2 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<i64>(ab, cd, 0, 2));
    v128.store(to + stride, v128.shuffle<i64>(ab, cd, 1, 3));
    v128.store(to + 2 * stride, v128.shuffle<i64>(ab2, cd2, 0, 2));
    v128.store(to + 3 * stride, v128.shuffle<i64>(ab2, cd2, 1, 3));
    from += 16;
    to += 4 * stride;
  }
  for (; k < depth; k++) {
    f32.store(to, f32.load(from));
    f32.store(to, f32.load(from + step), 4);
    f32.store(to, f32.load(from + 2 * step), 8);
    f32.store(to, f32.load(from + 3 * step), 12);
    from += 4;
    to += stride;
  }
}

@inline
function twoLines(from: usize, step: usize, depth: i32, to: usize, stride: usize): void {
  let k = 0;
  for (; k + 4 <= depth; k += 4) {
    const a = v128.load(from);
    const b = v128.load(from + step);
    const low = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
    const high = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
    v128.store64_lane(to, low, 0);
    v128.store64_lane(to + stride, low, 1);
    v128.store64_lane(to + 2 * stride, high, 0);
    v128.store64_lane(to + 3 * stride, high, 1);
    from += 16;
    to += 4 * stride;
  }
  for (; k < depth; k++) {
    f32.store(to, f32.load(from));
    f32.store(to, f32.load(from + step), 4);
    from += 4;
    to += stride;
  }
}

@inline
function oneLine(from: usize, depth: i32, to: usize, stride: usize): void {
  for (let k = 0; k < depth; k++) {
    f32.store(to, f32.load(from));
    from += 4;
    to += stride;
  }
}

/** Any number of lines, one element at a time. */
function scattered(
  from: usize,
  lineStep: usize,
  depthStep: usize,
  lines: i32,
  depth: i32,
  width: i32,
  to: usize,
): void {
  for (let line = 0; line < lines; line++) {
    let element = from + <usize>line * lineStep;
    let target = to + <usize>(4 * line);
    for (let k = 0; k < depth; k++) {
      f32.store(target, f32.load(element));
      element += depthStep;
      target += <usize>(4 * width);
    }
  }
}
