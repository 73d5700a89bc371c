import { TrainerError } from './error.ts';

/** Elements that are summed at once, so that the sums stay in the first-level cache. */
const BLOCK = 2048;

/**
 * The sum over k of weights[k] · parts[k], added in the order of k in float64 and rounded once.
 *
 * @throws {TrainerError} TRAINER_GRADIENTS_MISMATCH when the parts are of different lengths.
 */
export function weightedSum(parts: readonly ArrayLike<number>[], weights: readonly number[]): Float32Array {
  const length = parts[0]!.length;
  const other = parts.find((part) => part.length !== length);
  if (other !== undefined) {
    throw new TrainerError(
      'TRAINER_GRADIENTS_MISMATCH',
      `the workers computed ${length} and ${other.length} values for the same tensor; shapes of gradients and buffers must not depend on the batch size.`,
    );
  }
  const total = new Float32Array(length);
  const sums = new Float64Array(BLOCK);
  for (let from = 0; from < length; from += BLOCK) {
    const count = Math.min(BLOCK, length - from);
    sums.fill(0);
    for (const [k, part] of parts.entries()) addScaled(sums, part, weights[k]!, from, count);
    for (let i = 0; i < count; i++) total[from + i] = sums[i]!;
  }
  return total;
}

function addScaled(
  sums: Float64Array,
  part: ArrayLike<number>,
  weight: number,
  from: number,
  count: number,
): void {
  for (let i = 0; i < count; i++) sums[i]! += weight * part[from + i]!;
}
