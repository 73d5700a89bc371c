import { random } from '@proj/random';
import { describe, expect, it } from 'vitest';
import { recordedDraws, seededDraws } from './draws.ts';

const code = (code: string) => expect.objectContaining({ name: 'CorruptionError', code });

describe('recordedDraws', () => {
  it('hands the values out in the order of the calls', () => {
    const draws = recordedDraws([-1.5, 0.25, 3, 7]);
    expect([...draws.normal(1)]).toEqual([-1.5]);
    expect([...draws.uniform(1)]).toEqual([0.25]);
    expect([...draws.integers(1, 0, 5)]).toEqual([3]);
    expect([...draws.poisson(Float64Array.of(6.5))]).toEqual([7]);
    draws.finish();
  });

  it('refuses to give more than was recorded, and to end before all is used', () => {
    expect(() => recordedDraws([1]).normal(2)).toThrow(code('CORRUPTION_DRAWS_EXHAUSTED'));
    const draws = recordedDraws([1, 2]);
    draws.normal(1);
    expect(() => draws.finish()).toThrow(code('CORRUPTION_DRAWS_LEFT'));
  });

  it('refuses what the distribution cannot give', () => {
    const bad = code('CORRUPTION_BAD_DRAW');
    expect(() => recordedDraws([Number.NaN]).normal(1)).toThrow(bad);
    for (const value of [1, -0.5, Number.NaN]) expect(() => recordedDraws([value]).uniform(1)).toThrow(bad);
    for (const value of [5, -1, 0.5]) expect(() => recordedDraws([value]).integers(1, 0, 5)).toThrow(bad);
    for (const value of [-1, 0.5]) {
      expect(() => recordedDraws([value]).poisson(Float64Array.of(3))).toThrow(bad);
    }
  });
});

describe('seededDraws', () => {
  it('are the draws of the stream, in order', () => {
    const stream = random(3, 'draws');
    const draws = seededDraws(random(3, 'draws'));
    expect([...draws.normal(2)]).toEqual([stream.normal(), stream.normal()]);
    expect([...draws.uniform(2)]).toEqual([stream.uniform(), stream.uniform()]);
    expect([...draws.integers(2, -2, 2)]).toEqual([stream.integer(4) - 2, stream.integer(4) - 2]);
    expect([...draws.poisson(Float64Array.of(5, 50))]).toEqual([stream.poisson(5), stream.poisson(50)]);
  });

  it('serve several images in turn', () => {
    const draws = seededDraws(random(3));
    draws.finish();
    expect(draws.normal(1)).not.toEqual(draws.normal(1));
  });
});
