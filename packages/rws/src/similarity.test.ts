import { tensorData } from '@proj/tensor-io';
import { describe, expect, it } from 'vitest';
import { golden, goldenState, goldenUnits } from '../test/golden.ts';
import { cosineSimilarity, extract, relativeDifferences } from './index.ts';

const init = goldenState(golden.state.pretrained);
const standard = goldenState(golden.state.standard);
const [first, second] = await Promise.all(
  golden.state.robust.map(async (weights) => {
    const robust = goldenState(weights);
    return (await extract({ init, standard, robust, units: goldenUnits, k: 4, bits: 32 })).signature;
  }),
);

describe('similarity', () => {
  it('equals the golden cosines, per tensor and on the concatenation', () => {
    const { perTensor, global } = cosineSimilarity(first!, second!);
    expect([...perTensor.keys()]).toEqual(Object.keys(golden.cosine_rws0_rws1_per_key));
    for (const [name, value] of perTensor)
      expect(value).toBeCloseTo(golden.cosine_rws0_rws1_per_key[name]!, 5);
    expect(global).toBeCloseTo(golden.cosine_rws0_rws1_global, 5);
  });

  it('is 1 with itself and null for a zero vector', async () => {
    expect(cosineSimilarity(first!, first!).global).toBeCloseTo(1, 12);
    const robust = new Map([...goldenState(golden.state.robust[0]!), ...[...standard].slice(0, 1)]);
    const { signature } = await extract({ standard, robust, units: goldenUnits, k: 4, bits: 32 });
    const cosines = [...cosineSimilarity(signature, first!).perTensor.values()];
    expect(cosines.map((value) => value === null)).toEqual(cosines.map((_, i) => i === 0));
  });

  it('refuses to compare signatures of different units', async () => {
    const robust = goldenState(golden.state.robust[0]!);
    const { signature } = await extract({ init, standard, robust, units: goldenUnits, k: 2 });
    expect(() => cosineSimilarity(first!, signature)).toThrow('"features.5.weight"');
    expect(() => cosineSimilarity(signature, first!)).toThrow(
      expect.objectContaining({ code: 'RWS_SIGNATURES_DIFFER' }),
    );
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
