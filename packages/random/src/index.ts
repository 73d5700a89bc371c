import { randomBeta, randomNormal, randomPoisson } from 'd3-random';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';
import { RandomError } from './error.ts';

export { RandomError, type RandomErrorCode } from './error.ts';

/** Largest bound of an integer draw and longest permutation: the generator gives 32 bits at a time. */
const MAX_BOUND = 2 ** 31;

/** A stream of draws. Two streams with different seeds or paths are independent for all practical purposes. */
export interface RandomStream {
  /** Uniform in [0, 1), a multiple of 2^-53. */
  uniform(): number;
  /** Uniform integer in [0, bound). @throws {RandomError} `RANDOM_BAD_RANGE` unless `bound` is an integer from 1 to 2^31. */
  integer(bound: number): number;
  /** Standard normal, mean 0 and deviation 1. */
  normal(): number;
  /** Poisson-distributed count. @throws {RandomError} `RANDOM_BAD_RANGE` unless `mean` is finite and at least 0. */
  poisson(mean: number): number;
  /** Beta-distributed in [0, 1]. @throws {RandomError} `RANDOM_BAD_RANGE` unless both are finite and above 0. */
  beta(alpha: number, beta: number): number;
  /**
   * The integers 0..count-1 in random order (Fisher and Yates).
   *
   * @throws {RandomError} `RANDOM_BAD_RANGE` unless `count` is an integer from 0 to 2^31.
   */
  permutation(count: number): Uint32Array;
}

/**
 * The stream that belongs to `seed` and a path of names and finite numbers, e.g. `random(7, 'order', epoch)`.
 *
 * A pure function: the same arguments give the same stream, so whoever knows (seed, epoch, step) needs no saved generator
 * state to resume. The generator is xoroshiro128+ (pure-rand), the distributions are d3-random's; `uniform`, `integer` and
 * `permutation` are integer arithmetic, the same on every engine, while `normal`, `poisson` and `beta` use `Math.log` and its
 * like, whose last bit ECMAScript leaves open.
 *
 * @throws {RandomError} `RANDOM_BAD_SEED` when `seed` is not a safe integer, `RANDOM_BAD_PATH` when a part of the path is
 * neither text nor a finite number.
 */
export function random(seed: number, ...path: readonly (string | number)[]): RandomStream {
  if (!Number.isSafeInteger(seed)) {
    throw new RandomError('RANDOM_BAD_SEED', `seed must be a safe integer, got ${seed}; pass e.g. 42.`);
  }
  for (const [i, part] of path.entries()) {
    // JSON would write all of NaN, Infinity and undefined as null, so that they shared one stream.
    if (typeof part !== 'string' && !Number.isFinite(part)) {
      throw new RandomError(
        'RANDOM_BAD_PATH',
        `part ${i} of the path must be text or a finite number, got ${part}.`,
      );
    }
  }
  const generator = xoroshiro128plusFromState(hash128(JSON.stringify([seed, ...path])));
  const uniform = (): number => uniformFloat64(generator);
  const poissonOf = randomPoisson.source(uniform);
  const betaOf = randomBeta.source(uniform);
  return {
    uniform,
    integer(bound) {
      if (!Number.isInteger(bound) || bound < 1 || bound > MAX_BOUND)
        throw badRange('bound', bound, 'an integer from 1 to 2^31');
      return uniformInt(generator, 0, bound - 1);
    },
    normal: randomNormal.source(uniform)(),
    poisson(mean) {
      if (!(mean >= 0 && mean < Number.POSITIVE_INFINITY))
        throw badRange('mean', mean, 'a finite number of at least 0');
      return poissonOf(mean)();
    },
    beta(alpha, beta) {
      for (const [name, value] of Object.entries({ alpha, beta }))
        if (!(value > 0 && value < Number.POSITIVE_INFINITY))
          throw badRange(name, value, 'a finite number above 0');
      return betaOf(alpha, beta)();
    },
    permutation(count) {
      if (!Number.isInteger(count) || count < 0 || count > MAX_BOUND)
        throw badRange('count', count, 'an integer from 0 to 2^31');
      const order = Uint32Array.from({ length: count }, (_, i) => i);
      for (let i = count - 1; i > 0; i--) {
        const j = uniformInt(generator, 0, i);
        const swapped = order[i]!;
        order[i] = order[j]!;
        order[j] = swapped;
      }
      return order;
    },
  };
}

function badRange(name: string, value: number, wanted: string): RandomError {
  return new RandomError('RANDOM_BAD_RANGE', `${name} must be ${wanted}, got ${value}.`);
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
