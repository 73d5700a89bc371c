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
  const end = first + lines;
  const run = windows.run;
  const number = start / run;
  const down = number / windows.across;
  const across = number - down * windows.across;
  const before = start - number * run;
  const shift = down * windows.downStep + across * windows.acrossStep + 4 * before;
  const columnStep: usize = windows.columnStep;
  for (let line = 0; line < lines; line += ROWS) {
    const at = moves ? min(first + line, end - ROWS) : first + line;
    const p0 = place(images, windows, at) + shift;
    if (at % windows.outWidth + ROWS <= windows.outWidth && at + ROWS <= end) {
      panel(
        windows,
        across,
        run - before,
        depth,
        p0,
        p0 + columnStep,
        p0 + 2 * columnStep,
        p0 + 3 * columnStep,
        p0 + 4 * columnStep,
        p0 + 5 * columnStep,
        to,
      );
    } else {
      // Lines that are missing repeat the last one; their results go nowhere.
      panel(
        windows,
        across,
        run - before,
        depth,
        p0,
        place(images, windows, min(at + 1, end - 1)) + shift,
        place(images, windows, min(at + 2, end - 1)) + shift,
        place(images, windows, min(at + 3, end - 1)) + shift,
        place(images, windows, min(at + 4, end - 1)) + shift,
        place(images, windows, min(at + 5, end - 1)) + shift,
        to,
      );
    }
    to += 4 * ROWS * <usize>depth;
  }
}

/** Where a window starts. */
function place(images: usize, windows: Windows, window: i32): usize {
  const row = window / windows.outWidth;
  const image = row / windows.outHeight;
  return (
    images +
    <usize>image * windows.imageStep +
    <usize>(row - image * windows.outHeight) * windows.rowStep +
    <usize>(window - row * windows.outWidth) * windows.columnStep
  );
}

/**
 * Packs ROWS lines, from `left` elements before the end of a run on, which is number `across` in its row. Elements are moved four
 * at a time also beyond a run's end, as long as the window has so many left: what is too much is overwritten by the next run.
 */
function panel(
  windows: Windows,
  across: i32,
  left: i32,
  depth: i32,
  p0: usize,
  p1: usize,
  p2: usize,
  p3: usize,
  p4: usize,
  p5: usize,
  to: usize,
): void {
  const stride: usize = 4 * ROWS;
  const end = to + stride * <usize>depth;
  const fourBeforeEnd = end - 3 * stride;
  const run = windows.run;
  const runs = windows.across;
  const step = windows.acrossStep - 4 * run;
  const lastStep = windows.downStep - (runs - 1) * windows.acrossStep - 4 * run;
  let shift: usize = 0;
  while (to < end) {
    const runEnd = min(end, to + stride * <usize>left);
    const after = shift + 4 * <usize>left;
    while (to < runEnd && to < fourBeforeEnd) {
      four(p0 + shift, p1 + shift, p2 + shift, p3 + shift, to);
      two(p4 + shift, p5 + shift, to + 16);
      shift += 16;
      to += 4 * stride;
    }
    for (; to < runEnd; to += stride) {
      f32.store(to, f32.load(p0 + shift));
      f32.store(to, f32.load(p1 + shift), 4);
      f32.store(to, f32.load(p2 + shift), 8);
      f32.store(to, f32.load(p3 + shift), 12);
      f32.store(to, f32.load(p4 + shift), 16);
      if (ROWS > 5) f32.store(to, f32.load(p5 + shift), 20);
      shift += 4;
    }
    to = runEnd;
    left = run;
    if (++across == runs) {
      across = 0;
      shift = after + lastStep;
    } else {
      shift = after + step;
    }
  }
}

/** Four elements of each of four lines. */
@inline
function four(p0: usize, p1: usize, p2: usize, p3: usize, to: usize): void {
  const stride: usize = 4 * ROWS;
  const a = v128.load(p0);
  const b = v128.load(p1);
  const c = v128.load(p2);
  const d = v128.load(p3);
  const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
  const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  const ab2 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const cd2 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i64>(ab, cd, 0, 2));
  v128.store(to + stride, v128.shuffle<i64>(ab, cd, 1, 3));
  v128.store(to + 2 * stride, v128.shuffle<i64>(ab2, cd2, 0, 2));
  v128.store(to + 3 * stride, v128.shuffle<i64>(ab2, cd2, 1, 3));
}

/** Four elements of the fifth line, and of the sixth one where there is one. */
@inline
function two(p0: usize, p1: usize, to: usize): void {
  const stride: usize = 4 * ROWS;
  const a = v128.load(p0);
  if (ROWS == 5) {
    v128.store32_lane(to, a, 0);
    v128.store32_lane(to + stride, a, 1);
    v128.store32_lane(to + 2 * stride, a, 2);
    v128.store32_lane(to + 3 * stride, a, 3);
  } else {
    const b = v128.load(p1);
    const low = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
    const high = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
    v128.store64_lane(to, low, 0);
    v128.store64_lane(to + stride, low, 1);
    v128.store64_lane(to + 2 * stride, high, 0);
    v128.store64_lane(to + 3 * stride, high, 1);
  }
}
