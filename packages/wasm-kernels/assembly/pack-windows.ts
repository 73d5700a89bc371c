// Packing of a matrix that is not there: its rows are the windows of images without padding, see windows.ts.

import { ROWS } from './tile';

/** Where the windows' elements stand. Steps are bytes. A run is what stands side by side both in a window and in the image. */
@unmanaged
export class Windows {
  outHeight: i32;
  outWidth: i32;
  /** From a window to the next one in its image, and from image to image. */
  imageStep: i32;
  rowStep: i32;
  columnStep: i32;
  /** Elements of a run, runs side by side in a window, and the steps from one to the next and from a row of them to the next. */
  run: i32;
  across: i32;
  acrossStep: i32;
  downStep: i32;
}

/** Packs elements `start` to `start + depth` of windows `first` to `first + lines`, as `packRows` of pack.ts does. */
export function packWindows(images: usize, windows: Windows, first: i32, start: i32, lines: i32, depth: i32, moves: bool, to: usize): void {
  const stride: usize = 4 * ROWS;
  const end = first + lines;
  for (let line = 0; line < lines; line += ROWS) {
    const at = moves ? min(first + line, end - ROWS) : first + line;
    const p0 = place(images, windows, at, 0, end);
    const p1 = place(images, windows, at, 1, end);
    const p2 = place(images, windows, at, 2, end);
    const p3 = place(images, windows, at, 3, end);
    walk(4, windows, start, depth, p0, p1, p2, p3, to);
    const p4 = place(images, windows, at, 4, end);
    if (ROWS == 5) walk(1, windows, start, depth, p4, p4, p4, p4, to + 16);
    else walk(2, windows, start, depth, p4, place(images, windows, at, 5, end), p4, p4, to + 16);
    to += stride * <usize>depth;
  }
}

/** Where window `at + i` starts. Those from `end` on repeat the last one; their results go nowhere. */
@inline
function place(images: usize, windows: Windows, at: i32, i: i32, end: i32): usize {
  const window = min(at + i, end - 1);
  // Mostly in the row of the first one: the compiler divides once for all.
  const firstRow = at / windows.outWidth;
  const row = window < (firstRow + 1) * windows.outWidth ? firstRow : window / windows.outWidth;
  const firstImage = firstRow / windows.outHeight;
  const image = row < (firstImage + 1) * windows.outHeight ? firstImage : row / windows.outHeight;
  return (
    images +
    <usize>image * windows.imageStep +
    <usize>(row - image * windows.outHeight) * windows.rowStep +
    <usize>(window - row * windows.outWidth) * windows.columnStep
  );
}

/**
 * Packs one, two or four lines. Elements are moved four at a time also beyond a run's end, as long as the window has so many
 * left: what is too much is then overwritten by the next run.
 */
@inline
function walk(lines: i32, windows: Windows, start: i32, depth: i32, p0: usize, p1: usize, p2: usize, p3: usize, to: usize): void {
  const stride: usize = 4 * ROWS;
  const run = windows.run;
  const end = to + stride * <usize>depth;
  const number = start / run;
  let down = number / windows.across;
  let across = number - down * windows.across;
  let before = start - number * run;
  while (to < end) {
    let shift = <usize>down * windows.downStep + <usize>across * windows.acrossStep + 4 * <usize>before;
    const runEnd = min(end, to + stride * <usize>(run - before));
    let target = to;
    for (; target < runEnd && target + 4 * stride <= end; target += 4 * stride) {
      const a = v128.load(p0 + shift);
      if (lines == 1) {
        v128.store32_lane(target, a, 0);
        v128.store32_lane(target + stride, a, 1);
        v128.store32_lane(target + 2 * stride, a, 2);
        v128.store32_lane(target + 3 * stride, a, 3);
      } else {
        const b = v128.load(p1 + shift);
        const low = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
        const high = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
        if (lines == 2) {
          v128.store64_lane(target, low, 0);
          v128.store64_lane(target + stride, low, 1);
          v128.store64_lane(target + 2 * stride, high, 0);
          v128.store64_lane(target + 3 * stride, high, 1);
        } else {
          const c = v128.load(p2 + shift);
          const d = v128.load(p3 + shift);
          const low2 = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
          const high2 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
          v128.store(target, v128.shuffle<i64>(low, low2, 0, 2));
          v128.store(target + stride, v128.shuffle<i64>(low, low2, 1, 3));
          v128.store(target + 2 * stride, v128.shuffle<i64>(high, high2, 0, 2));
          v128.store(target + 3 * stride, v128.shuffle<i64>(high, high2, 1, 3));
        }
      }
      shift += 16;
    }
    for (; target < runEnd; target += stride) {
      f32.store(target, f32.load(p0 + shift));
      if (lines > 1) f32.store(target, f32.load(p1 + shift), 4);
      if (lines > 2) {
        f32.store(target, f32.load(p2 + shift), 8);
        f32.store(target, f32.load(p3 + shift), 12);
      }
      shift += 4;
    }
    to = runEnd;
    before = 0;
    if (++across == windows.across) {
      across = 0;
      down++;
    }
  }
}
