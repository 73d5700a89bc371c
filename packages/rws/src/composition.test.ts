import { type StateDict, tensorData, toFloat32 } from '@proj/tensor-io';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { goldenMerge } from '../test/golden-merge.ts';
import { type Application, type CompositionRule, conflicts, extract, patch } from './index.ts';
import { keepLargest, streamOf, thin, trimTogether } from './sparsify.ts';

/** A signature that adds exactly these values to a tensor of zeros. */
async function signatureOf(values: ArrayLike<number>, shape = [values.length], name = 'w') {
  const state = (data: ArrayLike<number>): StateDict => new Map([[name, tensorData('F32', shape, data)]]);
  const zeros = state(new Float32Array(values.length));
  return (await extract({ standard: zeros, robust: state(values), units: [[name]], k: 1, bits: 32 }))
    .signature;
}
/** What a rule makes of values with strengths, as a change of zeros. */
async function merged(
  inputs: readonly ArrayLike<number>[],
  alphas: readonly number[],
  rule: CompositionRule,
) {
  const signatures = await Promise.all(inputs.map((values) => signatureOf(values)));
  const zeros = new Map([['w', tensorData('F32', [inputs[0]!.length], new Float32Array(inputs[0]!.length))]]);
  const applications = signatures.map((signature, i) => ({ signature, alpha: alphas[i]! }));
  return toFloat32((await patch(zeros, applications, { rule })).state.get('w')!);
}
const close = (actual: Float32Array, expected: readonly number[]) => {
  expect(actual.length).toBe(expected.length);
  for (const [i, value] of expected.entries()) expect(Math.abs(actual[i]! - value)).toBeLessThan(1e-7);
};

describe('composition rules agree with peft', () => {
  const { inputs, weights } = goldenMerge;

  it('sum: task arithmetic', async () => {
    close(await merged(inputs, weights, { kind: 'sum' }), goldenMerge.task_arithmetic);
  });

  it.each(Object.entries(goldenMerge.ties))('ties at density %s', async (density, expected) => {
    const rule = { kind: 'ties', definition: 'peft', density: Number(density), elect: 'mass' } as const;
    close(await merged(inputs, weights, rule), expected);
  });

  it('ties that counts signs', async () => {
    const rule = { kind: 'ties', definition: 'peft', density: 0.5, elect: 'count' } as const;
    close(await merged(inputs, weights, rule), goldenMerge.ties_frequency_05);
  });

  it('magnitude pruning', async () => {
    const rule = { kind: 'magnitude', density: 0.5 } as const;
    close(await merged(inputs, weights, rule), goldenMerge.magnitude_prune_05);
  });
});

describe('TIES as published', () => {
  const rule = (density: number): CompositionRule => ({ kind: 'ties', definition: 'paper', density });

  it('averages what agrees with the sign of the larger mass', async () => {
    const first = [3, -3, 1, 0, 5];
    const second = [-1, -1, -2, 4, 0];
    expect([...(await merged([first, second], [1, 1], rule(1)))]).toEqual([3, -2, -2, 4, 5]);
    expect([...(await merged([first, second], [0.5, 0.5], rule(1)))]).toEqual([1.5, -1, -1, 2, 2.5]);
  });

  it('lets a negated signature vote for the opposite', async () => {
    const values = [3, -3, 1];
    expect([...(await merged([values, [1, 1, 3]], [-1, 1], rule(1)))]).toEqual([-3, 2, 3]);
    expect([...(await merged([values], [-1], rule(1)))]).toEqual([-3, 3, -1]);
  });

  it('gives undecided positions the sign that most positions have', async () => {
    expect([
      ...(await merged(
        [
          [1, -1, -1],
          [-1, -2, -2],
        ],
        [1, 1],
        rule(1),
      )),
    ]).toEqual([-1, -1.5, -1.5]);
    expect([
      ...(await merged(
        [
          [1, 1, 1],
          [-1, 2, 2],
        ],
        [1, 1],
        rule(1),
      )),
    ]).toEqual([1, 1.5, 1.5]);
  });

  it('trims a signature as one vector over all its tensors', async () => {
    const state = (a: number[], b: number[]): StateDict =>
      new Map([
        ['a', tensorData('F32', [3], a)],
        ['b', tensorData('F32', [3], b)],
      ]);
    const zeros = state([0, 0, 0], [0, 0, 0]);
    const robust = state([1, 2, 3], [10, 20, 30]);
    const { signature } = await extract({ standard: zeros, robust, units: [['a', 'b']], k: 1, bits: 32 });
    const { state: patched } = await patch(zeros, [{ signature, alpha: 1 }], { rule: rule(0.34) });
    // The authors' code keeps one more than floor(0.34 · 6) = 2.
    expect([...toFloat32(patched.get('a')!)]).toEqual([0, 0, 0]);
    expect([...toFloat32(patched.get('b')!)]).toEqual([10, 20, 30]);
  });
});

const singles = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 40 });
const density = fc.double({ min: 0.01, max: 1, noNaN: true });

describe('pruning by magnitude', () => {
  it('keeps floor(density·n) values, none smaller than one that went, the first among equals', () => {
    fc.assert(
      fc.property(
        fc.oneof(singles, fc.array(fc.constantFrom(-2, -1, 0, 1, 2), { minLength: 1 })),
        density,
        (values, share) => {
          const input = Float32Array.from(values);
          const order = [...input.keys()].sort((a, b) => Math.abs(input[b]!) - Math.abs(input[a]!) || a - b);
          const kept = new Set(order.slice(0, Math.floor(share * input.length)));
          const expected = input.map((value, i) => (kept.has(i) ? value : 0));
          expect([...keepLargest(input, share)].map(Math.abs)).toEqual([...expected].map(Math.abs));
          expect([...keepLargest(input, share)].filter((v) => v !== 0)).toEqual(
            [...expected].filter((v) => v !== 0),
          );
        },
      ),
    );
  });

  it('over several tensors keeps what reaches the ranked magnitude', () => {
    fc.assert(
      fc.property(fc.array(singles, { minLength: 1, maxLength: 4 }), density, (parts, share) => {
        const inputs = parts.map((part) => Float32Array.from(part));
        const sorted = inputs.flatMap((part) => [...part].map(Math.abs)).sort((a, b) => a - b);
        const rank = sorted.length - Math.floor(share * sorted.length);
        const least = rank === 0 ? 0 : sorted[rank - 1]!;
        for (const [i, part] of trimTogether(inputs, share).entries()) {
          expect([...part]).toEqual([...inputs[i]!].map((value) => (Math.abs(value) >= least ? value : 0)));
        }
      }),
    );
  });
});

describe('DARE', () => {
  it('keeps about density of the values, different ones for each seed, signature and tensor', () => {
    const ones = new Float32Array(100_000).fill(1);
    const kept = (text: string) => thin(ones, 0.3, streamOf(text));
    const share = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const [a, b] = [kept('0\nid\nw'), kept('1\nid\nw')];
    // Five standard deviations of a binomial share.
    const tolerance = 5 * Math.sqrt((0.3 * 0.7) / 100_000);
    expect(Math.abs(share(a) - 0.3)).toBeLessThan(tolerance);
    expect(Math.abs(share(b) - 0.3)).toBeLessThan(tolerance);
    const both = share(a.map((value, i) => value * b[i]!));
    expect(Math.abs(both - 0.09)).toBeLessThan(tolerance);
    const neighbours = share(a.map((value, i) => value * (a[i + 1] ?? 0)));
    expect(Math.abs(neighbours - 0.09)).toBeLessThan(tolerance);
  });

  it('rescales what stays by 1 / density, the same for the same seed', async () => {
    const values = Float32Array.from({ length: 64 }, (_, i) => i + 1);
    const rule = { kind: 'dare', density: 0.5, seed: 7 } as const;
    const once = await merged([values], [1], rule);
    const kept = [...once].filter((value) => value !== 0);
    expect(kept.length).toBeGreaterThan(16);
    expect(kept.length).toBeLessThan(48);
    for (const [i, value] of once.entries()) expect([0, 2 * values[i]!]).toContain(value);
    expect(await merged([values], [1], rule)).toEqual(once);
    expect(await merged([values], [1], { ...rule, seed: 8 })).not.toEqual(once);
  });

  it('has the draws that FORMAT.md lists', () => {
    const ones = new Float32Array(16).fill(1);
    expect([...thin(ones, 0.5, streamOf('1\nid\nw'))].join('')).toMatchInlineSnapshot(`"0011101011010011"`);
    expect(streamOf('1\nid\nw')).toMatchInlineSnapshot(`2282734782`);
  });
});

describe('conflicts', () => {
  it('count opposite signs among what both move, and the cosine, per tensor and over all', async () => {
    const apply = async (values: number[], alpha: number): Promise<Application> => ({
      signature: await signatureOf(values),
      alpha,
    });
    const [a, b] = [await apply([1, -1, 2, 0], 1), await apply([1, 1, -2, 5], 0.5)];
    const expected = { cosine: (-2 * 2) / (Math.sqrt(6) * Math.sqrt(31)), signConflicts: 2 / 3 };
    const [pair, ...more] = conflicts([a, b]);
    expect(more).toEqual([]);
    expect(pair).toMatchObject({ first: a.signature.id, second: b.signature.id, signConflicts: 2 / 3 });
    expect(pair!.cosine).toBeCloseTo(expected.cosine, 12);
    expect(pair!.tensors).toMatchObject([{ name: 'w', signConflicts: 2 / 3 }]);
    const [negated] = conflicts([a, { ...b, alpha: -0.5 }]);
    expect(negated!.cosine).toBeCloseTo(-expected.cosine, 12);
    expect(negated!.signConflicts).toBeCloseTo(1 / 3, 12);
    expect(conflicts([a, { ...b, alpha: 0 }])).toMatchObject([
      { cosine: null, signConflicts: null, tensors: [] },
    ]);
  });
});
