import { load, store, sum } from './lanes';
import { exponentialRow, scaleRow, scoreRow } from './softmax';

/** Natural logarithm of x >= 1 to 1e-11, NaN of NaN: x = 2^k m with m near 1, ln m = 2 artanh((m - 1) / (m + 1)) by its series. */
function logarithm(x: f64): f64 {
  const bits = reinterpret<i64>(x);
  let exponent = <i32>(bits >> 52) - 1023;
  let m = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    exponent++;
  }
  const s = (m - 1) / (m + 1);
  const z = s * s;
  let series = 1.0 / 13.0;
  series = series * z + 1.0 / 11.0;
  series = series * z + 1.0 / 9.0;
  series = series * z + 1.0 / 7.0;
  series = series * z + 1.0 / 5.0;
  series = series * z + 1.0 / 3.0;
  series = series * z + 1;
  return <f64>exponent * 0.6931471805599453 + 2 * s * series + (x - x);
}

/**
 * Mean over the rows of -sum(targets log softmax(logits)), and its slope (softmax(logits) sum(targets) - targets) / rows.
 *
 * `targets` are [rows, classes], float32, or with `byClass` [rows], int32. A class whose target is 0 adds nothing.
 */
export function crossEntropy(
  rows: i32,
  classes: i32,
  logits: usize,
  targets: usize,
  byClass: bool,
  loss: usize,
  slope: usize,
): void {
  const step: usize = 4 * <usize>classes;
  const share: f32 = 1 / <f32>rows;
  let losses: f64 = 0;
  for (let row = 0; row < rows; row++) {
    const maximum = scoreRow(classes, 1, logits, 0, slope);
    const total = exponentialRow(classes, maximum, slope);
    const log = logarithm(total);
    if (byClass) {
      const at: usize = 4 * <usize>i32.load(targets);
      scaleRow(classes, share / total, slope);
      f32.store(slope + at, f32.load(slope + at) - share);
      losses += log - <f64>(f32.load(logits + at) - maximum);
      targets += 4;
    } else {
      losses += softTargets(classes, logits, targets, slope, maximum, total, <f32>log, share);
      targets += step;
    }
    logits += step;
    slope += step;
  }
  f32.store(loss, <f32>(losses / <f64>rows));
}

/** A row's loss and slope, which has e^(logits - maximum) before, of sum `total`. */
@inline
function softTargets(
  classes: i32,
  logits: usize,
  targets: usize,
  slope: usize,
  maximum: f32,
  total: f32,
  log: f32,
  share: f32,
): f64 {
  const bytes: usize = 4 * <usize>classes;
  let wanted = f32x4.splat(0);
  for (let at: usize = 0; at < bytes; at += 16) {
    wanted = f32x4.add(wanted, load(targets + at, <i32>(bytes - at) >> 2, 0));
  }
  const probability = f32x4.splat(sum(wanted) / total);
  const top = f32x4.splat(maximum);
  const logs = f32x4.splat(log);
  const shares = f32x4.splat(share);
  let loss = f32x4.splat(0);
  for (let at: usize = 0; at < bytes; at += 16) {
    const left = <i32>(bytes - at) >> 2;
    const target = load(targets + at, left, 0);
    const surprise = f32x4.sub(logs, f32x4.sub(load(logits + at, left, 0), top));
    const none = f32x4.eq(target, f32x4.splat(0));
    loss = f32x4.add(loss, v128.andnot(f32x4.mul(target, surprise), none));
    const difference = f32x4.sub(f32x4.mul(load(slope + at, left, 0), probability), target);
    store(slope + at, f32x4.mul(difference, shares), left);
  }
  return <f64>sum(loss);
}
