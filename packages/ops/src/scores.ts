import type { Tensor } from '@tensorflow/tfjs-core';
import { OpsError } from './error.ts';
import { requireShapes } from './shapes.ts';

/** Refuses a factor of scores that is not finite (`OPS_BAD_ARGUMENT`). */
export function requireScale(operation: string, scale: number): void {
  if (Number.isFinite(scale)) return;
  throw new OpsError(
    'OPS_BAD_ARGUMENT',
    `${operation}: scale must be finite, got ${scale}; pass e.g. 1 / Math.sqrt(d).`,
  );
}

/** Refuses a number of heads that is no positive integer (`OPS_BAD_ARGUMENT`). */
export function requireHeads(operation: string, heads: number): void {
  if (Number.isInteger(heads) && heads >= 1) return;
  throw new OpsError(
    'OPS_BAD_ARGUMENT',
    `${operation}: heads must be a positive integer, got ${heads}; a ViT has C / 64 as a rule.`,
  );
}

/** Refuses a mask that does not broadcast to scores of a shape, or does along the axis that the softmax sums over (`OPS_SHAPE_MISMATCH`). */
export function requireMask(operation: string, mask: Tensor | undefined, scores: readonly number[]): void {
  if (mask === undefined) return;
  const missing = scores.length - mask.rank;
  requireShapes(
    mask.rank > 0 &&
      missing >= 0 &&
      mask.shape.every((size, i) => {
        const axis = i + missing;
        return size === scores[axis] || (size === 1 && axis < scores.length - 1);
      }),
    operation,
    `a mask whose last axis is ${scores.at(-1)} and that broadcasts to [${scores.join(', ')}]`,
    { mask },
  );
}

/**
 * The same for scores [batch, heads, tokens, tokens], where a mask of rank 4 may have fewer for the batch: R, a divisor, serve R of
 * it and then the next R.
 *
 * @returns R, 1 for a mask without such an axis.
 */
export function requirePackedMask(
  operation: string,
  mask: Tensor | undefined,
  batch: number,
  heads: number,
  tokens: number,
): number {
  const own = mask?.rank === 4 ? mask.shape[0]! : 1;
  const period = own > 0 && batch % own === 0 ? own : 1;
  requireMask(`${operation} with ${heads} heads`, mask, [period, heads, tokens, tokens]);
  return period;
}
