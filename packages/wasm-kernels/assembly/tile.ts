// The innermost kernel: a 5 x 8 tile of C in ten registers. Each element is the plain sum over k in order, without fused
// multiply-add and without splitting the sum, so that its bits depend on nothing but its row of A and its column of B.
//
// Ten sums, two vectors of B and one factor are what V8 keeps in the fifteen registers it has on x64. It hoists loads to the
// top of a loop's body, so that unrolling, or any more live values around the loop, spills sums and halves the speed.

export const ROWS: i32 = 5;
export const COLUMNS: i32 = 8;

/** C [5, 8] (rows `cStep` bytes apart) = A-panel x B-panel over `depth`, or FROM + that. */
@inline
function multiply(depth: i32, a: usize, b: usize, from: usize, c: usize, cStep: usize, add: bool): void {
  let x00 = add ? v128.load(from) : f32x4.splat(0);
  let x01 = add ? v128.load(from, 16) : f32x4.splat(0);
  let x10 = add ? v128.load(from + cStep) : f32x4.splat(0);
  let x11 = add ? v128.load(from + cStep, 16) : f32x4.splat(0);
  let x20 = add ? v128.load(from + 2 * cStep) : f32x4.splat(0);
  let x21 = add ? v128.load(from + 2 * cStep, 16) : f32x4.splat(0);
  let x30 = add ? v128.load(from + 3 * cStep) : f32x4.splat(0);
  let x31 = add ? v128.load(from + 3 * cStep, 16) : f32x4.splat(0);
  let x40 = add ? v128.load(from + 4 * cStep) : f32x4.splat(0);
  let x41 = add ? v128.load(from + 4 * cStep, 16) : f32x4.splat(0);
  const end = b + 32 * <usize>depth;
  while (b < end) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let s = v128.load32_splat(a);
    x00 = f32x4.add(x00, f32x4.mul(s, b0));
    x01 = f32x4.add(x01, f32x4.mul(s, b1));
    s = v128.load32_splat(a, 4);
    x10 = f32x4.add(x10, f32x4.mul(s, b0));
    x11 = f32x4.add(x11, f32x4.mul(s, b1));
    s = v128.load32_splat(a, 8);
    x20 = f32x4.add(x20, f32x4.mul(s, b0));
    x21 = f32x4.add(x21, f32x4.mul(s, b1));
    s = v128.load32_splat(a, 12);
    x30 = f32x4.add(x30, f32x4.mul(s, b0));
    x31 = f32x4.add(x31, f32x4.mul(s, b1));
    s = v128.load32_splat(a, 16);
    x40 = f32x4.add(x40, f32x4.mul(s, b0));
    x41 = f32x4.add(x41, f32x4.mul(s, b1));
    a += 20;
    b += 32;
  }
  v128.store(c, x00);
  v128.store(c, x01, 16);
  c += cStep;
  v128.store(c, x10);
  v128.store(c, x11, 16);
  c += cStep;
  v128.store(c, x20);
  v128.store(c, x21, 16);
  c += cStep;
  v128.store(c, x30);
  v128.store(c, x31, 16);
  c += cStep;
  v128.store(c, x40);
  v128.store(c, x41, 16);
}

/** C = A-panel x B-panel. */
export function tile(depth: i32, a: usize, b: usize, c: usize, cStep: usize): void {
  multiply(depth, a, b, c, c, cStep, false);
}

/** C = FROM + A-panel x B-panel; FROM has the row step of C, and may be C. */
export function tileAdding(depth: i32, a: usize, b: usize, from: usize, c: usize, cStep: usize): void {
  multiply(depth, a, b, from, c, cStep, true);
}
