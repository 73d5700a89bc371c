import type { RandomStream } from '@proj/random';
import { CorruptionError } from './error.ts';

/** Where a corruption's random numbers come from. Each call hands out the next values, in row-major order of what they fill. */
export interface Draws {
  /** Standard normal values. */
  normal(count: number): Float64Array;
  /** Uniform values in [0, 1). */
  uniform(count: number): Float64Array;
  /** Uniform integers in [low, high). */
  integers(count: number, low: number, high: number): Float64Array;
  /** One Poisson count per mean. */
  poisson(means: Float64Array): Float64Array;
  /** Called when an image is done. */
  finish(): void;
}

/** Draws from a seeded stream of `@proj/random`. One stream may serve several images in turn. */
export function seededDraws(stream: RandomStream): Draws {
  return {
    normal(count) {
      const values = new Float64Array(count);
      for (let i = 0; i < count; i++) values[i] = stream.normal();
      return values;
    },
    uniform(count) {
      const values = new Float64Array(count);
      for (let i = 0; i < count; i++) values[i] = stream.uniform();
      return values;
    },
    integers(count, low, high) {
      const values = new Float64Array(count);
      for (let i = 0; i < count; i++) values[i] = low + stream.integer(high - low);
      return values;
    },
    poisson: (means) => means.map((mean) => stream.poisson(mean)),
    finish() {},
  };
}

/**
 * Replays draws that another program recorded, in the order in which it made them: standard normal values,
 * uniforms in [0, 1), integers, Poisson counts. They serve one image.
 *
 * @throws {CorruptionError} when used: `CORRUPTION_DRAWS_EXHAUSTED`, `CORRUPTION_DRAWS_LEFT`, and `CORRUPTION_BAD_DRAW`
 * for a value that the distribution cannot give.
 */
export function recordedDraws(values: ArrayLike<number>): Draws {
  let used = 0;
  const take = (count: number, kind: string, valid: (value: number, i: number) => boolean): Float64Array => {
    if (used + count > values.length) {
      throw new CorruptionError(
        'CORRUPTION_DRAWS_EXHAUSTED',
        `${count} ${kind} draws are needed after the first ${used}, but only ${values.length} were recorded; ` +
          'were they recorded for this corruption, severity and image size?',
      );
    }
    const taken = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      const value = values[used + i]!;
      if (!valid(value, i)) {
        throw new CorruptionError(
          'CORRUPTION_BAD_DRAW',
          `recorded draw ${used + i} is ${value}, which no ${kind} draw can be; ` +
            'were they recorded for this corruption, severity and image size?',
        );
      }
      taken[i] = value;
    }
    used += count;
    return taken;
  };
  return {
    normal: (count) => take(count, 'normal', Number.isFinite),
    uniform: (count) => take(count, 'uniform', (value) => value >= 0 && value < 1),
    integers: (count, low, high) =>
      take(
        count,
        `integer [${low}, ${high})`,
        (value) => Number.isInteger(value) && value >= low && value < high,
      ),
    poisson: (means) => take(means.length, 'Poisson', (value) => Number.isInteger(value) && value >= 0),
    finish() {
      if (used < values.length) {
        throw new CorruptionError(
          'CORRUPTION_DRAWS_LEFT',
          `${values.length} draws were recorded and ${used} used; ` +
            'were they recorded for this corruption, severity and image size?',
        );
      }
    },
  };
}
