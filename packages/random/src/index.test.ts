import { describe, expect, it } from 'vitest';
import { RandomSeedError, random } from './index.ts';

const take = <T>(count: number, draw: () => T): T[] => Array.from({ length: count }, draw);

describe('random', () => {
  it('repeats the same draws for the same seed and path, on every machine', () => {
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

  it('refuses a seed that is no safe integer', () => {
    expect(() => random(Number.NaN)).toThrow(RandomSeedError);
    expect(() => random(0.5)).toThrow('seed must be a safe integer');
  });
});
