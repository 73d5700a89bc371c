import { describe, expect, it } from 'vitest';
import { golden, goldenState, goldenUnits } from '../test/golden.ts';
import { toyResnet, toyResnetUnits } from '../test/toy-resnet.ts';
import { cosineMatrices, cosineSimilarity, extract } from './index.ts';

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

  it('of several makes a symmetric matrix of the same numbers', async () => {
    const robust = goldenState(golden.state.robust[0]!);
    const third = (await extract({ standard, robust, units: goldenUnits, k: 4, bits: 3 })).signature;
    const all = [first!, second!, third];
    const { global, perTensor } = cosineMatrices(all);
    for (const [i, a] of all.entries()) {
      for (const [j, b] of all.entries()) {
        const pair = cosineSimilarity(a, b);
        expect(global[i]![j]).toBeCloseTo(pair.global!, 12);
        for (const [name, matrix] of perTensor) {
          expect(matrix[i]![j]).toBeCloseTo(pair.perTensor.get(name)!, 12);
        }
      }
    }
  });

  it('leaves out what is replaced instead of added', async () => {
    const of = async (step: number) => {
      const states = { init: toyResnet(0), standard: toyResnet(0.1), robust: toyResnet(step) };
      const options = { ...states, units: toyResnetUnits, k: 1, batchNorm: 'replace' } as const;
      return (await extract(options)).signature;
    };
    const { perTensor } = cosineSimilarity(await of(0.3), await of(0.5));
    expect([...perTensor.keys()]).toEqual(['stem.conv.weight']);
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
