import { describe, expect, it } from 'vitest';
import { RandomError, random } from './index.ts';

const take = <T>(count: number, draw: () => T): T[] => Array.from({ length: count }, draw);

describe('random', () => {
  it('repeats the same draws for the same seed and path', () => {
    expect(take(4, random(42, 'order', 0).uniform)).toMatchInlineSnapshot(`
      [
        0.45198990096242886,
        0.6234563460893321,
        0.5790247775781225,
        0.9857246416853782,
      ]
    `);
    expect(take(4, random(42, 'order', 0).normal)).toMatchInlineSnapshot(`
      [
        2.1483142758755758,
        -0.8354433321231006,
        0.24894555511786307,
        0.04050209817231018,
      ]
    `);
  });

  it('gives unrelated streams for neighbouring seeds, paths and path types', () => {
    const streams = [
      random(1),
      random(2),
      random(1, 'a'),
      random(1, 'b'),
      random(1, 1),
      random(1, '1'),
      random(-1),
    ];
    const first = streams.map((stream) => stream.uniform());
    expect(new Set(first).size).toBe(streams.length);
    const starts = Array.from({ length: 4096 }, (_, seed) => random(seed).uniform());
    const mean = starts.reduce((sum, value) => sum + value, 0) / starts.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / starts.length));
  });

  it('draws with the stated means and deviations', () => {
    const stream = random(3);
    const count = 40_000;
    const moments = (values: number[]) => {
      const mean = values.reduce((sum, value) => sum + value, 0) / count;
      return [mean, values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count] as const;
    };
    const [normalMean, normalVariance] = moments(take(count, stream.normal));
    expect(normalMean).toBeCloseTo(0, 1);
    expect(normalVariance).toBeCloseTo(1, 1);
    for (const mean of [0.5, 4, 60]) {
      const [sampleMean, variance] = moments(take(count, () => stream.poisson(mean)));
      expect(Math.abs(sampleMean - mean)).toBeLessThan(5 * Math.sqrt(mean / count));
      expect(variance / mean).toBeCloseTo(1, 1);
    }
    for (const [alpha, beta] of [
      [0.8, 0.8],
      [1, 1],
      [2, 5],
    ] as const) {
      const [sampleMean, variance] = moments(take(count, () => stream.beta(alpha, beta)));
      const sum = alpha + beta;
      const expected = (alpha * beta) / (sum * sum * (sum + 1));
      expect(Math.abs(sampleMean - alpha / sum)).toBeLessThan(5 * Math.sqrt(expected / count));
      expect(variance / expected).toBeCloseTo(1, 1);
    }
  });

  it('refuses a beta distribution that there is not', () => {
    for (const [alpha, beta] of [
      [0, 1],
      [1, -1],
      [1, Number.NaN],
      [Number.POSITIVE_INFINITY, 1],
    ] as const)
      expect(codeOf(() => random(1).beta(alpha, beta))).toBe('RANDOM_BAD_RANGE');
    expect(() => random(1).beta(1, 0)).toThrow('beta must be a finite number above 0, got 0');
  });

  it('permutes: every index once, every order reachable', () => {
    expect([...random(5).permutation(100)].sort((a, b) => a - b)).toEqual(
      take(
        100,
        (
          (i) => () =>
            i++
        )(0),
      ),
    );
    const orders = new Set(Array.from({ length: 200 }, (_, seed) => random(seed).permutation(3).join('')));
    expect(orders.size).toBe(6);
  });

  const codeOf = (draw: () => unknown): string => {
    try {
      draw();
    } catch (error) {
      if (error instanceof RandomError) return error.code;
      throw error;
    }
    return 'drawn';
  };

  it('draws what the README shows', () => {
    expect([...random(42, 'order', 3).permutation(5)]).toEqual([4, 0, 2, 1, 3]);
  });

  it('refuses a seed that is no safe integer', () => {
    for (const seed of [Number.NaN, 0.5, 2 ** 53, Number.POSITIVE_INFINITY])
      expect(codeOf(() => random(seed))).toBe('RANDOM_BAD_SEED');
    expect(() => random(0.5)).toThrow('seed must be a safe integer, got 0.5; pass e.g. 42.');
  });

  it('refuses a path that JSON cannot tell apart', () => {
    const parts: unknown[] = [Number.NaN, Number.POSITIVE_INFINITY, -1 / 0, undefined, null, true, {}, 1n];
    for (const part of parts) expect(codeOf(() => random(1, 'a', part as number))).toBe('RANDOM_BAD_PATH');
    expect(() => random(1, 'a', Number.NaN)).toThrow(
      'part 1 of the path must be text or a finite number, got NaN.',
    );
  });

  it.each([
    ['integer', [0, -3, 2.5, 2 ** 31 + 1, Number.NaN, Number.POSITIVE_INFINITY], [1, 2 ** 31]],
    ['poisson', [-1, -1e-9, Number.NaN, Number.POSITIVE_INFINITY], [0, 1e-9, 1e15]],
    ['permutation', [-1, 2.5, 2 ** 31 + 1, Number.NaN, Number.POSITIVE_INFINITY], [0, 1]],
  ] as const)('%s refuses what has no answer and takes the ends of its range', (draw, bad, good) => {
    const stream = random(1);
    for (const value of bad)
      expect(
        codeOf(() => stream[draw](value)),
        `${value}`,
      ).toBe('RANDOM_BAD_RANGE');
    for (const value of good)
      expect(
        codeOf(() => stream[draw](value)),
        `${value}`,
      ).toBe('drawn');
  });
});
