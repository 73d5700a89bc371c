import { tensorData, toFloat32, toFloat64 } from '@proj/tensor-io';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkpoints } from '../test/arbitraries.ts';
import { golden } from '../test/golden.ts';
import {
  dequantize,
  type ExtractOptions,
  extract,
  patch,
  type Quantizer,
  type Structure,
  signatureFromBytes,
  signatureToBytes,
  unpatch,
} from './index.ts';
import { restore, store } from './storage.ts';

const none: Quantizer = { scheme: 'none' };
const { key, rank2 } = golden.lowrank;
const values = Float32Array.from(golden.rws_k4[0]![key]!);
const tensor = { shape: golden.state.shapes[key]!, apply: 'add' } as const;
const stored = (structure: Structure, quantizer = none, of = values) =>
  store(of, tensor, structure, quantizer, 'test');
const restored = (structure: Structure, quantizer = none, of = values) =>
  restore(stored(structure, quantizer, of), tensor.shape, quantizer);
const energy = (x: Float32Array) => x.reduce((sum, value) => sum + value * value, 0);

const quantizers: fc.Arbitrary<Quantizer> = fc.oneof(
  fc.record({
    scheme: fc.constantFrom('linear' as const, 'log' as const, 'tanh' as const),
    levels: fc.integer({ min: 3, max: 256 }),
  }),
  fc.constantFrom<Quantizer>({ scheme: 'sign' }, none),
);
const structures: fc.Arbitrary<Structure> = fc.oneof(
  fc.constant<Structure>({ kind: 'dense' }),
  fc.record({ kind: fc.constant('sparse' as const), density: fc.double({ min: 0.01, max: 1, noNaN: true }) }),
  fc.record({ kind: fc.constant('low-rank' as const), rank: fc.integer({ min: 1, max: 3 }) }),
  fc.record({
    kind: fc.constant('low-rank' as const),
    energy: fc.double({ min: 0.01, max: 1, noNaN: true }),
  }),
);

describe('sparse storage', () => {
  it('keeps the largest values as they are and nothing else', () => {
    const kept = [...restored({ kind: 'sparse', density: 0.25 })].filter((x) => x !== 0);
    expect(kept).toHaveLength(36);
    const sorted = [...values].sort((a, b) => Math.abs(b) - Math.abs(a)).slice(0, 36);
    expect(new Set(kept)).toEqual(new Set(sorted));
  });

  it('takes the first among equals, so that it is the same everywhere', () => {
    const equal = new Float32Array(values.length).fill(-1);
    const result = restored({ kind: 'sparse', density: 0.5 }, none, equal);
    expect([...result]).toEqual([...equal.map((x, i) => (i < 72 ? x : 0))]);
  });

  it('keeps at least one value, and all of them densely at density 1', () => {
    expect(stored({ kind: 'sparse', density: 0.0001 }).form).toEqual({ kind: 'sparse', kept: 1 });
    expect(stored({ kind: 'sparse', density: 1 }).form).toEqual({ kind: 'dense' });
  });
});

describe('low-rank storage', () => {
  it("equals the paper's reference numbers at rank 2", () => {
    for (const [i, x] of restored({ kind: 'low-rank', rank: 2 }).entries()) {
      expect(Math.abs(x - rank2[i]!)).toBeLessThan(2e-7);
    }
  });

  it.each([0.3, 0.6, 0.9])('loses no more than the energy asked for, %d, with the least rank', (share) => {
    const { form } = stored({ kind: 'low-rank', energy: share });
    const { rank } = form as { rank: number };
    const lost = (r: number) => {
      const result = restored({ kind: 'low-rank', rank: r });
      return energy(values.map((x, i) => x - result[i]!)) / energy(values);
    };
    expect(lost(rank)).toBeLessThanOrEqual(1 - share + 1e-6);
    if (rank > 1) expect(lost(rank - 1)).toBeGreaterThan(1 - share);
  });

  it('stays dense where factors would be no smaller', () => {
    expect(stored({ kind: 'low-rank', rank: 4 }).form).toEqual({ kind: 'dense' });
    expect(stored({ kind: 'low-rank', energy: 1 }).form).toEqual({ kind: 'dense' });
  });

  it('is exact for a matrix of that rank', () => {
    const outer = Float32Array.from({ length: 144 }, (_, i) => (1 + Math.floor(i / 36)) * ((i % 36) - 7));
    const result = restored({ kind: 'low-rank', rank: 1 }, none, outer);
    for (const [i, x] of result.entries()) expect(Math.abs(x - outer[i]!)).toBeLessThan(2e-5);
  });
});

describe('every storage', () => {
  it('gives back from its file what it was before, for random checkpoints', async () => {
    await fc.assert(
      fc.asyncProperty(checkpoints(1), quantizers, structures, async (random, quantizer, structure) => {
        const { units, robust } = random;
        const options = { ...random, robust: robust[0]!, k: units.length, quantizer, structure };
        const extraction = await extract(options satisfies ExtractOptions).catch(
          (error: { code?: string }) => {
            if (error.code === 'RWS_NOTHING_TO_EXTRACT') return undefined;
            throw error;
          },
        );
        fc.pre(extraction !== undefined);
        const read = await signatureFromBytes(signatureToBytes(extraction.signature));
        expect(read).toEqual(extraction.signature);
        expect(dequantize(read)).toEqual(dequantize(extraction.signature));
        const patched = await patch(random.standard, [{ signature: read, alpha: 1 }]);
        expect(unpatch(patched, 'all').state).toBe(random.standard);
      }),
      { numRuns: 100 },
    );
  });

  it('keeps vectors dense, and in float32 where signs would be all', async () => {
    const state = (step: number) =>
      new Map([
        [
          'w',
          tensorData(
            'F32',
            [4, 8],
            Array.from({ length: 32 }, (_, i) => Math.sin(i) * step),
          ),
        ],
        [
          'b',
          tensorData(
            'F32',
            [8],
            Array.from({ length: 8 }, (_, i) => Math.cos(i) * step),
          ),
        ],
      ]);
    const options = { standard: state(0), robust: state(1), units: [['w', 'b']], k: 1 };
    const { signature } = await extract({
      ...options,
      quantizer: { scheme: 'sign' },
      structure: { kind: 'sparse', density: 0.5 },
    });
    const [w, b] = [...dequantize(signature).values()];
    expect(new Set([...toFloat64(w!)].map(Math.abs)).size).toBe(2);
    expect([...toFloat32(b!)]).toEqual([...toFloat32(state(1).get('b')!)]);
  });

  it.each<[string, Partial<ExtractOptions>]>([
    ['1 level', { quantizer: { scheme: 'log', levels: 1 } }],
    ['257 levels', { quantizer: { scheme: 'tanh', levels: 257 } }],
    ['bits beside a quantizer', { bits: 4, quantizer: { scheme: 'sign' } }],
    ['a density of 0', { structure: { kind: 'sparse', density: 0 } }],
    ['a rank of 0', { structure: { kind: 'low-rank', rank: 0 } }],
    ['an energy above 1', { structure: { kind: 'low-rank', energy: 1.5 } }],
  ])('refuses %s', async (_, options) => {
    const state = (x: number) => new Map([['w', tensorData('F32', [1], [x])]]);
    const extraction = extract({ standard: state(0), robust: state(1), units: [['w']], k: 1, ...options });
    await expect(extraction).rejects.toMatchObject({ code: 'RWS_OPTION_INVALID' });
  });
});
