import { type StateDict, stateSha256, tensorData, toFloat32 } from '@proj/tensor-io';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { golden, goldenState, goldenUnits } from '../test/golden.ts';
import {
  chooseSignature,
  extract,
  meanEntropy,
  patch,
  searchStrength,
  statisticsDistance,
  transferReport,
} from './index.ts';

const init = goldenState(golden.state.pretrained);
const standard = goldenState(golden.state.standard);
const [a, b] = await Promise.all(
  [0, 1].map(async (i) => {
    const robust = goldenState(golden.state.robust[i]!);
    return (await extract({ init, standard, robust, units: goldenUnits, k: 3, bits: 8 })).signature;
  }),
);
/** Larger the nearer a state is to another. */
const nearness = (target: StateDict) => (state: StateDict) =>
  -Math.hypot(
    ...[...target].flatMap(([name, t]) => {
      const values = toFloat32(state.get(name)!);
      return [...toFloat32(t)].map((value, i) => value - values[i]!);
    }),
  );

describe('search', () => {
  it('finds the units and the strength that a judge wants, and reports all that it tried', async () => {
    const units = new Map([[2, 0]]);
    const target = (await patch(standard, [{ signature: a!, alpha: 1.1875, units }])).state;
    const found = await searchStrength(standard, a!, {
      evaluate: nearness(target),
      tolerance: 0,
      refinements: 4,
    });
    expect(found).toMatchObject({ k: 2, alpha: 1.1875, strength: { alpha: 1.1875, units } });
    expect(found.curve.slice(0, 3).map(({ k, alpha }) => [k, alpha])).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
    ]);
    const keys = found.curve.map(({ k, alpha }) => `${k} ${alpha}`);
    expect(new Set(keys).size).toBe(keys.length);
    expect(found.score).toBe(Math.max(...found.curve.map(({ score }) => score)));
    const again = (await patch(standard, [{ signature: a!, ...found.strength }])).state;
    expect(await stateSha256(again)).toBe(await stateSha256(target));
  });

  it('takes the smallest k within the tolerance, and of equal strengths the one nearest to 0', async () => {
    const score = { 1: 0.7, 2: 0.796, 3: 0.8 };
    const evaluate = (_: StateDict, { k }: { k: number }) => score[k as 1 | 2 | 3];
    const found = await searchStrength(standard, a!, { evaluate, alphas: [-1, -0.5, 1, 2] });
    expect(found).toMatchObject({ k: 2, alpha: -0.125 });
  });

  it('of a maximum anywhere in the grid comes within a step of the last refinement', async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0, max: 2, noNaN: true }), async (peak) => {
        const evaluate = (_: StateDict, { alpha }: { alpha: number }) => -Math.abs(alpha - peak);
        const { alpha } = await searchStrength(standard, a!, { evaluate, ks: [1], refinements: 4 });
        expect(Math.abs(alpha - peak)).toBeLessThanOrEqual(0.25 / 2 ** 4);
      }),
      { numRuns: 20 },
    );
  });

  it('refuses grids and scores that make no sense', async () => {
    const evaluate = () => 1;
    for (const wrong of [
      { ks: [] },
      { ks: [4] },
      { alphas: [] },
      { alphas: [Number.NaN] },
      { refinements: 0.5 },
      { tolerance: -1 },
    ]) {
      await expect(searchStrength(standard, a!, { evaluate, ...wrong })).rejects.toMatchObject({
        code: 'RWS_OPTION_INVALID',
      });
    }
    await expect(searchStrength(standard, a!, { evaluate: () => Number.NaN })).rejects.toMatchObject({
      code: 'RWS_OPTION_INVALID',
      message: expect.stringContaining('1 units at alpha 1'),
    });
  });
});

describe('the choice of a signature', () => {
  const candidates = [a!, b!].map((signature) => ({ signature, alpha: 1 }));

  it('takes the one whose model costs least, or none where that is no dearer', async () => {
    const target = (await patch(standard, [candidates[1]!])).state;
    const { chosen, costs } = await chooseSignature(
      standard,
      candidates,
      (state) => -nearness(target)(state),
    );
    expect(chosen).toBe(candidates[1]);
    expect(costs.map(({ id }) => id)).toEqual([a!.id, b!.id, null]);
    expect((await chooseSignature(standard, candidates, () => 1)).chosen).toBeNull();
    await expect(chooseSignature(standard, candidates, () => Number.NaN)).rejects.toMatchObject({
      code: 'RWS_OPTION_INVALID',
    });
  });

  it('by entropy: log n for equal logits, next to 0 for one that stands out, the mean of rows', () => {
    expect(meanEntropy(new Float32Array(12), 4)).toBeCloseTo(Math.log(4), 12);
    expect(meanEntropy(Float32Array.of(1000, 0, 0), 3)).toBe(0);
    const [p, q] = [0.9, 0.1];
    const expected = -(p * Math.log(p) + q * Math.log(q));
    const logits = Float64Array.of(Math.log(p) + 5, Math.log(q) + 5, 0, 0);
    expect(meanEntropy(logits, 2)).toBeCloseTo((expected + Math.log(2)) / 2, 12);
    expect(() => meanEntropy(new Float32Array(5), 2)).toThrow('no rows of 2');
  });

  it('by statistics: 0 for the same, growing with shifts of means and of spreads', () => {
    const expected = { mean: [0, 1], variance: [1, 4] };
    expect(statisticsDistance(expected, expected)).toBe(0);
    expect(statisticsDistance({ mean: [1, 1], variance: [1, 4] }, expected)).toBeCloseTo(0.5, 4);
    expect(statisticsDistance({ mean: [0, 1], variance: [1, 16] }, expected)).toBeCloseTo(0.5, 4);
  });
});

describe('the report of a transfer', () => {
  const tuned = new Map(
    [...standard].map(([name, t]) => [
      name,
      name === 'features.0.bias'
        ? t
        : tensorData(
            'F32',
            t.shape,
            toFloat32(t).map((v, i) => v + 0.01 * Math.sin(i)),
          ),
    ]),
  );

  it('says what is the same, how far the rest is, and how the patch lies to what the model learned', async () => {
    const report = await transferReport(a!, tuned, { init, standard });
    expect(report).toMatchObject({ fits: true, misfits: [], same: 1 });
    expect(report.untouched).toEqual(
      [...tuned.keys()].filter((name) => !a!.tensors.some((t) => t.name === name)),
    );
    const bias = report.tensors.find(({ name }) => name === 'features.0.bias')!;
    expect(bias).toMatchObject({ same: true, distance: 0 });
    expect(bias.sameWay).toBeCloseTo(1, 6);
    // Stored at 8 bits, so nearly orthogonal.
    expect(Math.abs(bias.alongOwn!)).toBeLessThan(0.02);
    const weight = report.tensors.find(({ name }) => name === 'features.0.weight')!;
    const moved = toFloat32(standard.get(weight.name)!).map((_, i) => 0.01 * Math.sin(i));
    const norm = (values: Float32Array) => Math.hypot(...values);
    expect(weight.same).toBe(false);
    expect(weight.distance).toBeCloseTo(norm(moved) / norm(toFloat32(standard.get(weight.name)!)), 5);
  });

  it('without the other checkpoints says less, and names what does not fit', async () => {
    const { tensors, ...rest } = await transferReport(a!, tuned);
    expect(rest).toMatchObject({ fits: true, distance: null, alongOwn: null });
    for (const { distance, alongOwn, sameWay, size } of tensors) {
      expect([distance, alongOwn, sameWay]).toEqual([null, null, null]);
      expect(size).toBeGreaterThan(0);
    }
    const other = new Map(tuned).set('features.2.bias', tensorData('F32', [5], [1, 2, 3, 4, 5]));
    other.delete('features.0.bias');
    expect(await transferReport(a!, other)).toMatchObject({
      fits: false,
      misfits: [
        { tensor: 'features.0.bias', reason: 'missing' },
        { tensor: 'features.2.bias', reason: 'shape' },
      ],
    });
  });
});
