import { add, mul, reshape, sum, type Tensor } from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.ts';
import { OpsError } from './error.ts';
import { fast } from './fast.ts';
import { type LsqLevels, lsqGradient, lsqValue } from './lsq-composed.ts';
import { requireFloat, requireShapes } from './shapes.ts';

/** An LSQ quantizer without its parameters. */
export interface LsqSpec extends LsqLevels {
  /** Factor of the step's gradient: 1 / sqrt(high M), M the number of elements that share a step (Esser et al. 2020, section 2.2). */
  readonly gradientScale: number;
}

/** Learned shifts [P] around the quantizer, one for each of the last P elements of a tensor, repeated before them (`move_b4`, `move_aft`). */
export interface LsqOffsets {
  readonly before: Tensor;
  readonly after: Tensor;
}

/**
 * Fake-quantizes `x` as LSQ does (Esser et al. 2020), with OFQ's offsets: y = s round(clip((x + before) / s, low, high)) + after, of x's shape, float32.
 *
 * `step` [G] holds the steps s; x is read as [..., G, inner], whatever its shape: per token of [B, N, C] with G = N, inner = C; per
 * channel with G = C, inner = 1; per row of a weight [out, in] with G = out, inner = in; one for all with G = 1, inner = x.size.
 * Rounds half to even; a step below 1e-5 (or negative) counts as 1e-5. With v = (x + before) / s, r its code, g = dy:
 * dx = g where low <= v <= high, else 0; ds = gradientScale times the sum of g (r - v) where low <= v <= high and of g r elsewhere;
 * dbefore and dafter are the sums of dx and of g. The gradient reaches a step below 1e-5 as if it were not.
 *
 * An element that is NaN or infinite gives NaN, as the clip must not hide it; whoever can, refuses such input by name.
 *
 * @throws {OpsError} `OPS_SHAPE_MISMATCH`, `OPS_BAD_DTYPE`, `OPS_BAD_ARGUMENT` for levels that are no integers around 0, or a gradient scale that is not finite.
 */
export function lsq(x: Tensor, step: Tensor, spec: LsqSpec, offsets?: LsqOffsets): Tensor {
  requireFloat('lsq', { x });
  requireLsq('lsq', x.shape, step, spec, offsets);
  const attrs = { inner: spec.inner, low: spec.low, high: spec.high };

  const inputs = offsets === undefined ? [x, step] : [x, step, offsets.before, offsets.after];
  return differentiable(inputs, ([x, step, before, after]) => {
    const [value] =
      fast('Lsq', { x: x!, step: step!, ...(before && after ? { before, after } : {}) }, attrs) ?? [];
    return {
      value: value ?? shifted(lsqValue(before ? shifted(x!, before) : x!, step!, spec), after),
      saved: before ? [x!, step!, before] : [x!, step!],
      gradient: (dy, [x, step, before]) =>
        fast(
          'LsqGradient',
          { dy, x: x!, step: step!, ...(before ? { before } : {}) },
          { ...attrs, gradientScale: spec.gradientScale },
        ) ?? composedGradient(dy, x!, step!, before, spec),
    };
  });
}

/** x plus an offset that repeats along it. */
function shifted(x: Tensor, offset: Tensor | undefined): Tensor {
  if (offset === undefined) return x;
  return reshape(add(reshape(x, [x.size / offset.size, offset.size]), offset), x.shape);
}

function composedGradient(
  dy: Tensor,
  x: Tensor,
  step: Tensor,
  before: Tensor | undefined,
  spec: LsqSpec,
): Tensor[] {
  const [dx, dStep] = lsqGradient(dy, shifted(x, before), step, spec);
  const gradients = [dx, mul(dStep, spec.gradientScale)];
  if (before === undefined) return gradients;
  const repeats = [x.size / before.size, before.size];
  return [...gradients, sum(reshape(dx, repeats), 0), sum(reshape(dy, repeats), 0)];
}

/** Refuses steps and offsets that do not fit x of a shape, or float32, and levels that are none. */
export function requireLsq(
  operation: string,
  shape: readonly number[],
  step: Tensor,
  { inner, low, high, gradientScale }: LsqSpec,
  offsets: LsqOffsets | undefined,
): void {
  requireFloat(operation, { step, ...offsets });
  const integers = Number.isInteger(inner) && Number.isInteger(low) && Number.isInteger(high);
  if (!integers || low > 0 || high < 1 || !Number.isFinite(gradientScale)) {
    throw new OpsError(
      'OPS_BAD_ARGUMENT',
      `${operation}: inner, low <= 0 and high > 0 must be integers, gradientScale finite, got inner = ${inner}, low = ${low}, high = ${high}, gradientScale = ${gradientScale}; b bits have low = -(2 ** (b - 1)) and high = 2 ** (b - 1) - 1, or 0 and 2 ** b - 1 where nothing is negative.`,
    );
  }
  const size = shape.reduce((a, b) => a * b, 1);
  const named = { x: { shape }, step, ...offsets };
  requireShapes(
    size > 0 && step.rank === 1 && step.size > 0 && inner >= 1 && size % (step.size * inner) === 0,
    `${operation} with inner = ${inner}`,
    'step [G] and x of a multiple of G inner elements',
    named,
  );
  if (offsets === undefined) return;
  const { before, after } = offsets;
  const period = before.size;
  requireShapes(
    before.rank === 1 &&
      after.rank === 1 &&
      after.size === period &&
      period > 0 &&
      (step.size * inner) % period === 0 &&
      (inner % period === 0 || period % inner === 0),
    `${operation} with inner = ${inner}`,
    'before [P] and after [P], G inner a multiple of P, and P a multiple or a divisor of inner',
    named,
  );
}
