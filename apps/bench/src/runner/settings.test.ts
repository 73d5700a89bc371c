import { describe, expect, it } from 'vitest';
import { BenchError } from '../error.ts';
import { overridden } from './settings.ts';

const preset = {
  seeds: [0],
  names: ['fog', 'snow'],
  mixed: [1, 'auto'],
  none: [],
  rate: 0.1,
  quick: true,
  model: 'a',
};

const refusal = (name: string, value: string) => {
  try {
    overridden(preset, { [name]: value });
  } catch (error) {
    if (error instanceof BenchError) return `${error.code} ${error.message}`;
  }
  return 'accepted';
};

describe('--set', () => {
  it('gives a value the type of the one that it replaces', () => {
    expect(
      overridden(preset, {
        seeds: '1, 2',
        names: '3,rain',
        mixed: 'auto,2',
        none: '1,a',
        rate: '1e-3',
        quick: 'false',
        model: '7',
      }),
    ).toEqual({
      seeds: [1, 2],
      names: ['3', 'rain'],
      mixed: ['auto', 2],
      none: [1, 'a'],
      rate: 0.001,
      quick: false,
      model: '7',
    });
    expect(overridden(preset, { seeds: '' }).seeds).toEqual([]);
    expect(overridden(preset, {})).toEqual(preset);
  });

  it('refuses values of another type, and names that there are not', () => {
    expect(refusal('seeds', '1,x')).toBe('BENCH_SETTING setting seeds: "x" is not a number.');
    expect(refusal('rate', '')).toBe('BENCH_SETTING setting rate: "" is not a number.');
    expect(refusal('quick', '1')).toBe('BENCH_SETTING setting quick: "1" is not true or false.');
    expect(refusal('seed', '1')).toMatch(
      /^BENCH_UNKNOWN there is no setting "seed"; did you mean "seeds"\? \(there are seeds, /,
    );
    expect(refusal('colour', '1')).toMatch(/^BENCH_UNKNOWN there is no setting "colour"; there are seeds, /);
    expect(refusal('toString', '1')).toMatch(/^BENCH_UNKNOWN/);
  });
});
