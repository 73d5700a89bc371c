import { load, store, sum } from './lanes';

/** y = (x - mean) / sqrt(variance + eps) * weight + bias for each of `rows` rows; keeps each row's mean and 1 / sqrt. */
export function layerNorm(
  rows: i32,
  width: i32,
  x: usize,
  weight: usize,
  bias: usize,
  eps: f32,
  y: usize,
  means: usize,
  inverses: usize,
): void {
  for (let row = 0; row < rows; row++) {
    let total = f32x4.splat(0);
    for (let i = 0; i < width; i += 4) total = f32x4.add(total, load(x + 4 * <usize>i, width - i, 0));
    const mean = sum(total) / <f32>width;
    const centre = f32x4.splat(mean);
    total = f32x4.splat(0);
    for (let i = 0; i < width; i += 4) {
      const d = f32x4.sub(load(x + 4 * <usize>i, width - i, mean), centre);
      total = f32x4.add(total, f32x4.mul(d, d));
    }
    const inverse: f32 = 1 / sqrt<f32>(sum(total) / <f32>width + eps);
    const scale = f32x4.splat(inverse);
    for (let i = 0; i < width; i += 4) {
      const at: usize = 4 * <usize>i;
      const normal = f32x4.mul(f32x4.sub(load(x + at, width - i, 0), centre), scale);
      const value = f32x4.add(
        f32x4.mul(normal, load(weight + at, width - i, 0)),
        load(bias + at, width - i, 0),
      );
      store(y + at, value, width - i);
    }
    f32.store(means + 4 * <usize>row, mean);
    f32.store(inverses + 4 * <usize>row, inverse);
    x += 4 * <usize>width;
    y += 4 * <usize>width;
  }
}

/**
 * dx, plus `from` unless that is 0, dweight and dbias of `layerNorm`, from dy, x, the weight and what was kept of each row; where it
 * `adds`, the last two are added to what is there.
 */
export function layerNormGradient(
  rows: i32,
  width: i32,
  dy: usize,
  x: usize,
  weight: usize,
  means: usize,
  inverses: usize,
  from: usize,
  dx: usize,
  dWeight: usize,
  dBias: usize,
  adds: bool,
): void {
  if (!adds) {
    memory.fill(dWeight, 0, 4 * <usize>width);
    memory.fill(dBias, 0, 4 * <usize>width);
  }
  for (let row = 0; row < rows; row++) {
    const mean = f32.load(means + 4 * <usize>row);
    const centre = f32x4.splat(mean);
    const scale = v128.load32_splat(inverses + 4 * <usize>row);
    let sumG = f32x4.splat(0);
    let sumGX = f32x4.splat(0);
    for (let i = 0; i < width; i += 4) {
      const at: usize = 4 * <usize>i;
      const left = width - i;
      const d = load(dy + at, left, 0);
      const normal = f32x4.mul(f32x4.sub(load(x + at, left, mean), centre), scale);
      const dNormal = f32x4.mul(d, normal);
      store(dWeight + at, f32x4.add(load(dWeight + at, left, 0), dNormal), left);
      store(dBias + at, f32x4.add(load(dBias + at, left, 0), d), left);
      const w = load(weight + at, left, 0);
      sumG = f32x4.add(sumG, f32x4.mul(d, w));
      sumGX = f32x4.add(sumGX, f32x4.mul(dNormal, w));
    }
    const meanG = f32x4.splat(sum(sumG) / <f32>width);
    const meanGX = f32x4.splat(sum(sumGX) / <f32>width);
    for (let i = 0; i < width; i += 4) {
      const at: usize = 4 * <usize>i;
      const left = width - i;
      const normal = f32x4.mul(f32x4.sub(load(x + at, left, mean), centre), scale);
      const g = f32x4.mul(load(dy + at, left, 0), load(weight + at, left, 0));
      let value = f32x4.mul(f32x4.sub(f32x4.sub(g, meanG), f32x4.mul(normal, meanGX)), scale);
      if (from != 0) value = f32x4.add(value, load(from + at, left, 0));
      store(dx + at, value, left);
    }
    dy += 4 * <usize>width;
    x += 4 * <usize>width;
    dx += 4 * <usize>width;
    if (from != 0) from += 4 * <usize>width;
  }
}

/** y [width] = the sums of the columns of x [rows, width], row by row, added to what is there where it `adds`. */
export function columnSums(rows: i32, width: i32, x: usize, y: usize, adds: bool): void {
  if (!adds) memory.fill(y, 0, 4 * <usize>width);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < width; i += 4) {
      const at: usize = 4 * <usize>i;
      store(y + at, f32x4.add(load(y + at, width - i, 0), load(x + at, width - i, 0)), width - i);
    }
    x += 4 * <usize>width;
  }
}
