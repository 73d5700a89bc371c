import { tensorData } from '@proj/tensor-io';
import { describe, expect, it } from 'vitest';
import { golden, goldenState, goldenUnits } from '../test/golden.ts';
import { cosine, cosineSimilarity, extract, relativeDifferences } from './index.ts';

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

  it('is 1 with itself and null for a zero vector', () => {
    expect(cosineSimilarity(first!, first!).global).toBeCloseTo(1, 12);
    expect(cosine(Float32Array.of(0, 0), Float32Array.of(1, 2))).toBeNull();
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
