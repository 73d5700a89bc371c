// Packing: copies a block of an operand into panels that the tile kernel reads from front to back.
// A panel holds `width` lines side by side: element (k, line) stands at k * width + line. Missing lines are zero.

/** Transposes the 4 x 4 block whose rows are at `from`, `from + step`, ... and stores its columns at `to`, `to + stride`, ... */
@inline
function transpose4(from: usize, step: usize, to: usize, stride: usize): void {
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
}

/**
 * Packs `lines` x `depth` elements at `from` into panels of `width` lines at `to`.
 * `lineStep` and `depthStep` are the distances in bytes between neighbouring lines and along the summed axis.
 */
export function pack(from: usize, lineStep: usize, depthStep: usize, lines: i32, depth: i32, width: i32, to: usize): void {
  const stride = <usize>width << 2;
  for (let line = 0; line < lines; line += width) {
    const count = min(width, lines - line);
    const source = from + <usize>line * lineStep;
    if (count < width) memory.fill(to, 0, <usize>depth * stride);
    let done = 0;
    if (depthStep == 4) {
      for (; done + 4 <= count; done += 4) {
        transposedLines(source + <usize>done * lineStep, lineStep, depth, to + (<usize>done << 2), stride);
      }
    } else if (lineStep == 4) {
      for (; done + 4 <= count; done += 4) {
        copiedLines(source + (<usize>done << 2), depthStep, depth, to + (<usize>done << 2), stride);
      }
    }
    for (; done < count; done++) {
      let element = source + <usize>done * lineStep;
      let target = to + (<usize>done << 2);
      for (let k = 0; k < depth; k++) {
        f32.store(target, f32.load(element));
        element += depthStep;
        target += stride;
      }
    }
    to += <usize>depth * stride;
  }
}

/** Four lines that are contiguous along the summed axis. */
@inline
function transposedLines(from: usize, lineStep: usize, depth: i32, to: usize, stride: usize): void {
  let k = 0;
  for (; k + 4 <= depth; k += 4) {
    transpose4(from, lineStep, to, stride);
    from += 16;
    to += 4 * stride;
  }
  for (; k < depth; k++) {
    f32.store(to, f32.load(from));
    f32.store(to, f32.load(from + lineStep), 4);
    f32.store(to, f32.load(from + 2 * lineStep), 8);
    f32.store(to, f32.load(from + 3 * lineStep), 12);
    from += 4;
    to += stride;
  }
}

/** Four lines that stand side by side. */
@inline
function copiedLines(from: usize, depthStep: usize, depth: i32, to: usize, stride: usize): void {
  for (let k = 0; k < depth; k++) {
    v128.store(to, v128.load(from));
    from += depthStep;
    to += stride;
  }
}
