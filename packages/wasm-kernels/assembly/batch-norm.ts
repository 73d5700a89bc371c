// Batch normalisation of x [rows, channels]. Sums over the rows are kept in float64, in order.

import { load, store } from './lanes';

/** Channels, rounded up to whole vectors. */
@inline
function padded(channels: i32): usize {
  return (<usize>channels + 3) & ~3;
}

/** Bytes of working memory, as a float64: two rows of float64 sums and four of float32. */
export function batchNormScratch(channels: i32): f64 {
  return 32 * <f64>padded(channels);
}

/** Adds four elements to four float64 sums. */
@inline
function accumulate(sums: usize, x: v128): void {
  v128.store(sums, f64x2.add(v128.load(sums), f64x2.promote_low_f32x4(x)));
  const high = f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 1));
  v128.store(sums, f64x2.add(v128.load(sums, 16), high), 16);
}

/** The four float64 sums divided by `count`, as float32. */
@inline
function average(sums: usize, count: f64): v128 {
  const counts = f64x2.splat(count);
  const low = f32x4.demote_f64x2_zero(f64x2.div(v128.load(sums), counts));
  const high = f32x4.demote_f64x2_zero(f64x2.div(v128.load(sums, 16), counts));
  return v128.shuffle<i64>(low, high, 0, 2);
}

/** Each channel's mean and variance, that of the population. */
export function channelStatistics(
  rows: i32,
  channels: i32,
  x: usize,
  mean: usize,
  variance: usize,
  scratch: usize,
): void {
  const step: usize = 4 * <usize>channels;
  const count = <f64>rows;
  memory.fill(scratch, 0, 8 * padded(channels));
  let row = x;
  for (let i = 0; i < rows; i++, row += step) {
    for (let at: usize = 0; at < step; at += 16) {
      accumulate(scratch + 2 * at, load(row + at, <i32>(step - at) >> 2, 0));
    }
  }
  for (let at: usize = 0; at < step; at += 16) {
    store(mean + at, average(scratch + 2 * at, count), <i32>(step - at) >> 2);
  }
  memory.fill(scratch, 0, 8 * padded(channels));
  row = x;
  for (let i = 0; i < rows; i++, row += step) {
    for (let at: usize = 0; at < step; at += 16) {
      const left = <i32>(step - at) >> 2;
      const deviation = f32x4.sub(load(row + at, left, 0), load(mean + at, left, 0));
      accumulate(scratch + 2 * at, f32x4.mul(deviation, deviation));
    }
  }
  for (let at: usize = 0; at < step; at += 16) {
    store(variance + at, average(scratch + 2 * at, count), <i32>(step - at) >> 2);
  }
}

/** 1 / sqrt(variance + eps) of each channel. */
@inline
function inverses(channels: i32, variance: usize, eps: f32, to: usize): void {
  const step: usize = 4 * <usize>channels;
  for (let at: usize = 0; at < step; at += 16) {
    const root = f32x4.sqrt(f32x4.add(load(variance + at, <i32>(step - at) >> 2, 0), f32x4.splat(eps)));
    v128.store(to + at, f32x4.div(f32x4.splat(1), root));
  }
}

/** y = (x - mean) / sqrt(variance + eps) * weight + bias. */
export function batchNorm(
  rows: i32,
  channels: i32,
  eps: f32,
  x: usize,
  weight: usize,
  bias: usize,
  mean: usize,
  variance: usize,
  y: usize,
  scratch: usize,
): void {
  const step: usize = 4 * <usize>channels;
  const factors = scratch;
  inverses(channels, variance, eps, factors);
  for (let at: usize = 0; at < step; at += 16) {
    const factor = f32x4.mul(v128.load(factors + at), load(weight + at, <i32>(step - at) >> 2, 0));
    v128.store(factors + at, factor);
  }
  for (let i = 0; i < rows; i++) {
    for (let at: usize = 0; at < step; at += 16) {
      const left = <i32>(step - at) >> 2;
      const deviation = f32x4.sub(load(x + at, left, 0), load(mean + at, left, 0));
      const value = f32x4.add(f32x4.mul(deviation, v128.load(factors + at)), load(bias + at, left, 0));
      store(y + at, value, left);
    }
    x += step;
    y += step;
  }
}

/**
 * dx, dweight and dbias of `batchNorm`. With `training`, mean and variance are those of x and depend on it:
 * dx = weight / sqrt(variance + eps) (dy - mean(dy) - x̂ mean(dy x̂)); else dx = weight / sqrt(variance + eps) dy.
 */
export function batchNormGradient(
  rows: i32,
  channels: i32,
  eps: f32,
  training: bool,
  dy: usize,
  x: usize,
  weight: usize,
  mean: usize,
  variance: usize,
  dx: usize,
  dWeight: usize,
  dBias: usize,
  scratch: usize,
): void {
  const step: usize = 4 * <usize>channels;
  const width = padded(channels);
  const biasSums = scratch;
  const weightSums = scratch + 8 * width;
  const inverse = weightSums + 8 * width;
  const factors = inverse + 4 * width;
  const meanDy = factors + 4 * width;
  const meanDyX = meanDy + 4 * width;
  inverses(channels, variance, eps, inverse);
  memory.fill(scratch, 0, 16 * width);
  let rowDy = dy;
  let rowX = x;
  for (let i = 0; i < rows; i++, rowDy += step, rowX += step) {
    for (let at: usize = 0; at < step; at += 16) {
      const left = <i32>(step - at) >> 2;
      const d = load(rowDy + at, left, 0);
      const deviation = f32x4.sub(load(rowX + at, left, 0), load(mean + at, left, 0));
      accumulate(biasSums + 2 * at, d);
      accumulate(weightSums + 2 * at, f32x4.mul(d, f32x4.mul(deviation, v128.load(inverse + at))));
    }
  }
  for (let at: usize = 0; at < step; at += 16) {
    const left = <i32>(step - at) >> 2;
    store(dBias + at, average(biasSums + 2 * at, 1), left);
    store(dWeight + at, average(weightSums + 2 * at, 1), left);
    const scale = v128.load(inverse + at);
    v128.store(factors + at, f32x4.mul(scale, load(weight + at, left, 0)));
    v128.store(meanDy + at, average(biasSums + 2 * at, <f64>rows));
    v128.store(meanDyX + at, f32x4.mul(average(weightSums + 2 * at, <f64>rows), scale));
  }
  for (let i = 0; i < rows; i++) {
    for (let at: usize = 0; at < step; at += 16) {
      const left = <i32>(step - at) >> 2;
      let d = load(dy + at, left, 0);
      if (training) {
        const deviation = f32x4.sub(load(x + at, left, 0), load(mean + at, left, 0));
        d = f32x4.sub(f32x4.sub(d, v128.load(meanDy + at)), f32x4.mul(deviation, v128.load(meanDyX + at)));
      }
      store(dx + at, f32x4.mul(d, v128.load(factors + at)), left);
    }
    dy += step;
    x += step;
    dx += step;
  }
}
