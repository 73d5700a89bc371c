import { randomNormal, randomPoisson } from 'd3-random';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';

/** A stream of draws. Two streams with different seeds or paths are independent for all practical purposes. */
export interface RandomStream {
  /** Uniform in [0, 1), a multiple of 2^-53. */
  uniform(): number;
  /** Uniform integer in [0, bound). `bound` is an integer from 1 to 2^31. */
  integer(bound: number): number;
  /** Standard normal, mean 0 and deviation 1. */
  normal(): number;
  /** Poisson-distributed count with the given mean (at least 0). */
  poisson(mean: number): number;
  /** The integers 0..count-1 in random order (Fisher and Yates). */
  permutation(count: number): Uint32Array;
}

/** Thrown for a seed that is no safe integer; code `RANDOM_BAD_SEED`. */
export class RandomSeedError extends Error {
  override readonly name = 'RandomSeedError';
  readonly code = 'RANDOM_BAD_SEED';
}

/**
 * The stream that belongs to `seed` and a path of names and numbers, e.g. `random(7, 'order', epoch)`.
 *
 * A pure function: the same arguments give the same draws on every machine, so whoever knows (seed, epoch, step)
 * needs no saved generator state to resume. The generator is xoroshiro128+ (pure-rand), the distributions are d3-random's.
 *
 * @throws {RandomSeedError} when `seed` is not a safe integer.
 */
export function random(seed: number, ...path: readonly (string | number)[]): RandomStream {
  if (!Number.isSafeInteger(seed)) {
    throw new RandomSeedError(`seed must be a safe integer, got ${seed}; pass e.g. 42.`);
  }
  const generator = xoroshiro128plusFromState(hash128(JSON.stringify([seed, ...path])));
  const uniform = (): number => uniformFloat64(generator);
  const poissonOf = randomPoisson.source(uniform);
  const integer = (bound: number): number => uniformInt(generator, 0, bound - 1);
  return {
    uniform,
    integer,
    normal: randomNormal.source(uniform)(),
    poisson: (mean) => poissonOf(mean)(),
    permutation(count) {
      const order = Uint32Array.from({ length: count }, (_, i) => i);
      for (let i = count - 1; i > 0; i--) {
        const j = integer(i + 1);
        const swapped = order[i]!;
        order[i] = order[j]!;
        order[j] = swapped;
      }
      return order;
    },
  };
}

/** Four 32-bit lanes of a multiply-xorshift hash: a generator state out of text. It need only spread, not resist attack. */
function hash128(text: string): number[] {
  const lanes = [0x9e3779b9, 0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f];
  for (let i = 0; i < text.length; i++) {
    for (let lane = 0; lane < 4; lane++) {
      lanes[lane] = Math.imul(lanes[lane]! ^ text.charCodeAt(i), 0x01000193 + 2 * lane);
      lanes[lane] = lanes[lane]! ^ (lanes[(lane + 1) & 3]! >>> 15);
    }
  }
  return lanes.map((lane) => {
    let h = lane ^ (lane >>> 16);
    h = Math.imul(h, 0x85ebca6b);
    h ^= h >>> 13;
    h = Math.imul(h, 0xc2b2ae35);
    return (h ^ (h >>> 16)) | 0 || 1;
  });
}
