import { tensorData, toFloat64 } from '@proj/tensor-io';
import { describe, expect, it } from 'vitest';
import { golden, goldenState } from '../test/golden.ts';
import { compareStates, relativeDifferences } from './index.ts';

const standard = goldenState(golden.state.standard);

describe('a comparison of two checkpoints', () => {
  const robust = goldenState(golden.state.robust[0]!);

  it('has the golden relative differences, the cosines, and both of the whole', () => {
    const { perTensor, global, left } = compareStates(standard, robust);
    expect(left).toEqual([]);
    for (const [name, { relativeDifference, cosine }] of perTensor) {
      expect(relativeDifference).toBeCloseTo(golden.relative_difference_per_key[0]![name]!, 6);
      const [u, v] = [toFloat64(standard.get(name)!), toFloat64(robust.get(name)!)];
      const inner = u.reduce((sum, x, i) => sum + x * v[i]!, 0);
      expect(cosine).toBeCloseTo(inner / (Math.hypot(...u) * Math.hypot(...v)), 12);
    }
    const all = (state: typeof standard) => [...state.values()].flatMap((tensor) => [...toFloat64(tensor)]);
    const [u, v] = [all(standard), all(robust)];
    expect(global.relativeDifference).toBeCloseTo(
      Math.hypot(...u.map((x, i) => v[i]! - x)) / Math.hypot(...u),
      12,
    );
    expect(compareStates(standard, standard).global).toMatchObject({ relativeDifference: 0 });
  });

  it('names every tensor that it leaves out, and why', () => {
    const one = (type: 'F32' | 'I32', shape: number[]) => tensorData(type, shape, [0]);
    const a = new Map([
      ['same', one('F32', [1])],
      ['shape', one('F32', [1])],
      ['dtype', one('I32', [1])],
      ['gone', one('F32', [1])],
    ]);
    const b = new Map([
      ['same', one('F32', [1])],
      ['shape', one('F32', [1, 1])],
      ['dtype', one('F32', [1])],
      ['new', one('F32', [1])],
    ]);
    const { perTensor, left } = compareStates(a, b);
    expect(perTensor).toEqual(new Map([['same', { relativeDifference: null, cosine: null }]]));
    expect(left).toEqual([
      { name: 'shape', reason: 'shape' },
      { name: 'dtype', reason: 'dtype' },
      { name: 'gone', reason: 'only in first' },
      { name: 'new', reason: 'only in second' },
    ]);
  });
});

describe('relative differences', () => {
  it.each([0, 1])('equal the golden ones for every tensor, robust model %i', (i) => {
    const differences = relativeDifferences(standard, goldenState(golden.state.robust[i]!));
    const expected = golden.relative_difference_per_key[i]!;
    expect([...differences.keys()]).toEqual(golden.state.keys);
    for (const [name, value] of differences) {
      if (name in expected) expect(value).toBeCloseTo(expected[name]!, 6);
    }
  });

  it('are null for a zero tensor, skip integer tensors, and refuse other shapes and missing tensors', () => {
    const zero = new Map([
      ['w', tensorData('F32', [2], [0, 0])],
      ['steps', tensorData('I64', [], [3])],
    ]);
    expect(relativeDifferences(zero, zero)).toEqual(new Map([['w', null]]));
    const reshaped = new Map([['w', tensorData('F32', [1, 2], [0, 0])]]);
    const integers = new Map([['w', tensorData('I32', [2], [0, 0])]]);
    for (const other of [reshaped, integers, new Map()]) {
      expect(() => relativeDifferences(zero, other)).toThrow(
        expect.objectContaining({ code: 'RWS_STATES_DIFFER' }),
      );
    }
  });
});
