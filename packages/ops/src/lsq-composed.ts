import {
  add,
  clipByValue,
  div,
  fill,
  greaterEqual,
  lessEqual,
  logicalAnd,
  mul,
  reshape,
  round,
  sub,
  sum,
  type Tensor,
  where,
  zerosLike,
} from '@tensorflow/tfjs-core';

/** Which elements of a tensor share a step, and the levels of the quantizer. */
export interface LsqLevels {
  /** Neighbouring elements that share a step; the next `inner` have the next step, after the last comes the first again. */
  readonly inner: number;
  /** Smallest code Q_n: -2^(b-1), or 0 where all values are positive. */
  readonly low: number;
  /** Largest code Q_p: 2^(b-1) - 1, or 2^b - 1 where all values are positive. */
  readonly high: number;
}

/** Steps below this count as this (the reference code's `eps`). */
const SMALLEST_STEP = 1e-5;

/** x / s of every element, its code, and whether it lies within the levels; all [outer, groups, inner]. */
function codes(x: Tensor, step: Tensor, { inner, low, high }: LsqLevels) {
  const grouped = reshape(x, [x.size / (step.size * inner), step.size, inner]);
  const steps = where(lessEqual(step, SMALLEST_STEP), fill(step.shape, SMALLEST_STEP), step);
  // A bound makes numbers of infinities, and of NaN on wasm; x - x is NaN for both.
  const s = reshape(add(steps, sub(step, step)), [step.size, 1]);
  const v = div(grouped, s);
  const r = add(round(clipByValue(v, low, high)), sub(grouped, grouped));
  return { v, r, s, within: logicalAnd(greaterEqual(v, low), lessEqual(v, high)) };
}

/** r s of `x`, as it is quantized to codes r. */
export function lsqValue(x: Tensor, step: Tensor, levels: LsqLevels): Tensor {
  const { r, s } = codes(x, step, levels);
  return reshape(mul(r, s), x.shape);
}

/** dx and dstep of `lsqValue`; dstep not yet scaled. */
export function lsqGradient(dy: Tensor, x: Tensor, step: Tensor, levels: LsqLevels): [Tensor, Tensor] {
  const { v, r, within } = codes(x, step, levels);
  const d = reshape(dy, v.shape);
  const zeros = zerosLike(v);
  const dx = reshape(where(within, d, zeros), x.shape);
  return [dx, sum(mul(d, sub(r, where(within, v, zeros))), [0, 2])];
}
