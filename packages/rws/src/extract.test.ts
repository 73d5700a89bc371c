import { type StateDict, stateSha256, tensorData, toFloat32, toFloat64 } from '@proj/tensor-io';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkpoints } from '../test/arbitraries.ts';
import { golden, goldenState, goldenUnits } from '../test/golden.ts';
import { toyResnet, toyResnetUnits } from '../test/toy-resnet.ts';
import { dequantize, type ExtractOptions, extract, truncate, withAbout } from './index.ts';

const init = goldenState(golden.state.pretrained);
const standard = goldenState(golden.state.standard);
const robust = goldenState(golden.state.robust[0]!);
const options = { init, standard, robust, units: goldenUnits, k: 4, bits: 32 } satisfies ExtractOptions;

const valuesOf = (state: StateDict, name: string) => [...toFloat32(state.get(name)!)];
const replaced = (
  state: StateDict,
  name: string,
  dtype: 'F32' | 'F16' | 'I32',
  shape: number[],
  values: number[],
) => new Map([...state, [name, tensorData(dtype, shape, values)] as const]);
const errorOf = (changes: Partial<ExtractOptions>) =>
  extract({ ...options, ...changes }).then(
    () => 'no error',
    (error: { code: string; message: string }) => error,
  );

describe('extract', () => {
  it.each([0, 1])("equals the paper's projection, robust model %i", async (i) => {
    const { signature } = await extract({ ...options, robust: goldenState(golden.state.robust[i]!) });
    const deltas = dequantize(signature);
    expect([...deltas.keys()]).toEqual(golden.select_layers['4']);
    for (const [name, expected] of Object.entries(golden.rws_k4[i]!)) {
      for (const [j, value] of valuesOf(deltas, name).entries()) {
        expect(Math.abs(value - expected[j]!), `${name} ${j}`).toBeLessThan(2e-7);
      }
    }
  });

  it.each([1, 2, 3, 4])('takes the tensors of the first %i units', async (k) => {
    const { signature } = await extract({ ...options, k });
    expect(signature.tensors.map(({ name }) => name)).toEqual(golden.select_layers[k]);
    expect(signature).toMatchObject({ k, units: 4, projection: 'orthogonal' });
  });

  it('reports shares that sum to 1, relative differences of the golden numbers, and what quantization cost', async () => {
    const { diagnostics } = await extract({ ...options, bits: 4 });
    expect(diagnostics.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12);
    for (const { name, relativeDifference, storageError } of diagnostics) {
      expect(relativeDifference).toBeCloseTo(golden.relative_difference_per_key[0]![name]!, 6);
      expect(storageError).toBeGreaterThan(0);
      expect(storageError).toBeLessThan(0.15);
    }
    const plain = await extract(options);
    expect(plain.diagnostics.every(({ storageError }) => storageError === 0)).toBe(true);
  });

  it('falls back to the plain difference without init, and says so', async () => {
    const { init: _, ...withoutInit } = options;
    const { signature, diagnostics } = await extract(withoutInit);
    expect(signature.projection).toBe('none');
    expect(signature.fingerprints.init).toBeNull();
    expect(diagnostics.every(({ p, directionNorm }) => p === null && directionNorm === null)).toBe(true);
    for (const [name, tensor] of dequantize(signature)) {
      const clean = valuesOf(standard, name);
      expect([...toFloat32(tensor)]).toEqual(
        valuesOf(robust, name).map((value, i) => Math.fround(value - clean[i]!)),
      );
    }
    const chosen = await extract({ ...options, projection: 'none' });
    expect(dequantize(chosen.signature)).toEqual(dequantize(signature));
  });

  it('keeps the whole difference of a tensor that standard training left frozen', async () => {
    const name = 'features.0.bias';
    const frozen = new Map([...standard, [name, init.get(name)!] as const]);
    const { signature, diagnostics } = await extract({ ...options, standard: frozen });
    expect(diagnostics.find((entry) => entry.name === name)).toMatchObject({ p: 0, directionNorm: 0 });
    const start = valuesOf(init, name);
    expect(valuesOf(dequantize(signature), name)).toEqual(
      valuesOf(robust, name).map((value, i) => Math.fround(value - start[i]!)),
    );
  });

  it('fingerprints the checkpoints and the size of the whole model', async () => {
    const { signature } = await extract(options);
    expect(signature.model).toEqual({ parameters: 847, bytes: 3388 });
    const again = await extract({ ...options, init: new Map([...init].reverse()) });
    expect(again.signature.id).toBe(signature.id);
    const other = await extract({ ...options, robust: goldenState(golden.state.robust[1]!) });
    expect(other.signature.id).not.toBe(signature.id);
    expect(other.signature.fingerprints).toMatchObject({
      init: signature.fingerprints.init,
      standard: signature.fingerprints.standard,
    });
  });

  it('writes into none of its inputs', async () => {
    const before = await Promise.all([init, standard, robust].map(stateSha256));
    await extract({ ...options, bits: 4 });
    expect(await Promise.all([init, standard, robust].map(stateSha256))).toEqual(before);
  });

  it('takes F64, F32, F16 and BF16 and random values: the result is orthogonal to the standard direction', async () => {
    await fc.assert(
      fc.asyncProperty(checkpoints(1), async ({ init, standard, robust, units }) => {
        const extraction = await extract({
          init,
          standard,
          robust: robust[0]!,
          units,
          k: units.length,
          bits: 32,
        }).catch((error: { code?: string }) => error.code);
        fc.pre(typeof extraction === 'object');
        for (const [name, tensor] of dequantize(extraction.signature)) {
          const [start, clean, other] = [init, standard, robust[0]!].map((state) =>
            toFloat64(state.get(name)!),
          );
          const b = clean!.map((value, i) => value - start![i]!);
          const d = other!.map((value, i) => value - start![i]!);
          // The square of such a direction underflows: it counts as frozen.
          if (Math.hypot(...b) < 1e-150) continue;
          const values = toFloat64(tensor);
          const inner = values.reduce((sum, value, i) => sum + value * b[i]!, 0);
          // Half a unit of float32 in the result, and what cancellation leaves of d in float64.
          const error = 1e-7 * Math.hypot(...values) + 1e-14 * Math.hypot(...d) + 1e-44;
          expect(Math.abs(inner)).toBeLessThanOrEqual(error * Math.hypot(...b));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('describes itself anew under another id', async () => {
    const { signature } = await extract({ ...options, about: { name: 'noise' } });
    const about = { name: 'noise', recommendedAlpha: 0.75, severity: 3 };
    const renamed = await withAbout(signature, about);
    expect(renamed.about).toEqual(about);
    expect(renamed.id).not.toBe(signature.id);
    expect((await withAbout(renamed, { name: 'noise' })).id).toBe(signature.id);
    await expect(withAbout(signature, { severity: 6 })).rejects.toMatchObject({
      code: 'RWS_METADATA_INVALID',
    });
  });
});

describe('truncate', () => {
  it.each([1, 2, 3, 4])('of all units to %i is extraction with that k', async (k) => {
    const { signature } = await extract({ ...options, bits: 4, about: { name: 'fog' } });
    const direct = await extract({ ...options, bits: 4, about: { name: 'fog' }, k });
    expect(await truncate(signature, k)).toEqual(direct.signature);
  });

  it('keeps replacements, which belong to the whole network', async () => {
    const all = {
      init: toyResnet(0),
      standard: toyResnet(0.1),
      robust: toyResnet(0.4),
      units: toyResnetUnits,
    };
    const { signature } = await extract({ ...all, k: 2, batchNorm: 'replace' });
    const direct = await extract({ ...all, k: 1, batchNorm: 'replace' });
    expect(await truncate(signature, 1)).toEqual(direct.signature);
  });

  it.each([0, 5, 1.5])('refuses k = %d', async (k) => {
    const { signature } = await extract(options);
    await expect(truncate(signature, k)).rejects.toMatchObject({ code: 'RWS_OPTION_INVALID' });
  });
});

describe('extract refuses', () => {
  it.each<[string, Partial<ExtractOptions>]>([
    ['k = 0', { k: 0 }],
    ['k beyond the units', { k: 5 }],
    ['a fractional k', { k: 1.5 }],
    ['1 bit', { bits: 1 }],
    ['9 bits', { bits: 9 }],
    ['an empty unit', { units: [['features.0.weight'], []], k: 1 }],
    ['a parameter in two units', { units: [['features.0.weight'], ['features.0.weight']], k: 1 }],
  ])('%s', async (_, changes) => {
    expect(await errorOf(changes)).toMatchObject({ code: 'RWS_OPTION_INVALID' });
  });

  it('a name in the units beyond k that the model does not have', async () => {
    const units = [...goldenUnits.slice(0, 3), ['features.7.wieght']];
    expect(await errorOf({ units, k: 2 })).toMatchObject({
      code: 'RWS_STATES_DIFFER',
      message: expect.stringContaining(
        '"features.7.wieght", beyond the first 2 units, is missing in standard',
      ),
    });
  });

  it('a projection without the initial weights', async () => {
    const { init: _, ...withoutInit } = options;
    await expect(extract({ ...withoutInit, projection: 'orthogonal' })).rejects.toMatchObject({
      code: 'RWS_OPTION_INVALID',
    });
  });

  it('every name, shape and dtype that does not fit, at once', async () => {
    const lacking = new Map(standard);
    lacking.delete('features.0.bias');
    const error = await errorOf({
      standard: lacking,
      robust: replaced(
        replaced(robust, 'features.2.bias', 'F32', [2, 2], [1, 2, 3, 4]),
        'features.5.bias',
        'F16',
        [6],
        [1, 2, 3, 4, 5, 6],
      ),
      units: [...goldenUnits, ['nowhere']],
      k: 5,
    });
    expect(error).toMatchObject({ code: 'RWS_STATES_DIFFER' });
    expect(error).toMatchObject({
      message:
        '4 of the parameters in the units do not fit: "features.0.bias" is missing in standard; ' +
        '"features.2.bias" is F32 [4] in init, F32 [4] in standard, F32 [2, 2] in robust; ' +
        '"features.5.bias" is F32 [6] in init, F32 [6] in standard, F16 [6] in robust; ' +
        '"nowhere" is missing in init and standard and robust.',
    });
  });

  it('integer tensors in a unit', async () => {
    const counted = [init, standard, robust].map((state) => replaced(state, 'n', 'I32', [1], [7]));
    const error = await errorOf({
      init: counted[0]!,
      standard: counted[1]!,
      robust: counted[2]!,
      units: [['n']],
      k: 1,
    });
    expect(error).toMatchObject({
      code: 'RWS_STATES_DIFFER',
      message: expect.stringContaining('"n" is I32 [1]'),
    });
  });

  it.each(['init', 'standard', 'robust'] as const)('a non-finite weight in %s, naming it', async (which) => {
    const broken = replaced(options[which], 'features.2.bias', 'F32', [4], [0, 1, Number.NaN, 3]);
    const error = await errorOf({ [which]: broken });
    expect(error).toMatchObject({
      code: 'RWS_NON_FINITE',
      message: expect.stringContaining(`${which} "features.2.bias" holds NaN at element 2`),
    });
  });

  it('checkpoints without a difference', async () => {
    expect(await errorOf({ robust: standard })).toMatchObject({ code: 'RWS_NOTHING_TO_EXTRACT' });
  });

  it('differences beyond float32', async () => {
    const state = (value: number) => new Map([['w', tensorData('F64', [1], [value])]]);
    const states = { init: state(0), standard: state(0), robust: state(1e300), units: [['w']], k: 1 };
    expect(await errorOf(states)).toMatchObject({ code: 'RWS_OUT_OF_RANGE' });
  });
});
