import { type StateDict, stateSha256, type TensorData, tensorData, toFloat32 } from '@proj/tensor-io';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bits, checkpoints, signaturesOf } from '../test/arbitraries.ts';
import { golden, goldenState, goldenUnits } from '../test/golden.ts';
import { rule, strengthOf, strengthSeed } from '../test/strengths.ts';
import {
  type Application,
  extract,
  patch,
  recompose,
  type Signature,
  SignatureMismatchError,
  scale,
  unpatch,
  withAbout,
} from './index.ts';

const init = goldenState(golden.state.pretrained);
const standard = goldenState(golden.state.standard);
const signatureOf = async (i: number, bits: number): Promise<Signature> => {
  const robust = goldenState(golden.state.robust[i]!);
  const options = { init, standard, robust, units: goldenUnits, k: 2, bits, about: { name: `toy-${i}` } };
  return (await extract(options)).signature;
};
const [first, second] = await Promise.all([signatureOf(0, 32), signatureOf(1, 32)]);
const [packed0, packed1] = await Promise.all([signatureOf(0, 4), signatureOf(1, 4)]);

const sameBits = (a: StateDict, b: StateDict): boolean =>
  a.size === b.size && [...a].every(([name, { bytes }]) => Buffer.compare(bytes, b.get(name)!.bytes) === 0);
const outcome = (promise: Promise<unknown>) =>
  promise.then(
    () => 'accepted',
    (error: { code?: string }) => error.code,
  );

describe('patch', () => {
  it.each(golden.patched_k2)(
    'adds signatures as the golden arithmetic does, α = $alphas',
    async ({ alphas, weights }) => {
      const applications = alphas.map((alpha, i) => ({ signature: [first!, second!][i]!, alpha }));
      const { state } = await patch(standard, applications);
      for (const [name, tensor] of state) {
        const expected = name in weights ? weights[name]! : [...toFloat32(standard.get(name)!)];
        for (const [j, value] of toFloat32(tensor).entries()) {
          expect(Math.abs(value - expected[j]!), `${name} ${j}`).toBeLessThan(3e-7);
        }
      }
    },
  );

  it('touches the tensors of the first k units and shares every other with the base', async () => {
    const { state, report } = await patch(standard, [{ signature: packed0!, alpha: 1 }]);
    expect([...state.keys()]).toEqual([...standard.keys()]);
    const touched = golden.select_layers['2']!;
    for (const [name, tensor] of state) expect(tensor === standard.get(name)).toBe(!touched.includes(name));
    expect(report.tensors.map(({ name }) => name)).toEqual([...touched].sort());
    expect(report.elements).toBe(260);
    expect(report.changed).toBeGreaterThan(250);
    const expected = Math.hypot(
      ...touched.flatMap((name) => {
        const before = toFloat32(standard.get(name)!);
        return [...toFloat32(state.get(name)!)].map((value, i) => value - before[i]!);
      }),
    );
    expect(report.changeNorm).toBeCloseTo(expected, 12);
    expect(report.baseNorm).toBeGreaterThan(report.changeNorm);
  });

  it('gives the same bits in whatever order signatures are added, scaled and removed', async () => {
    const a: Application = { signature: packed0!, alpha: 0.7 };
    const b: Application = { signature: packed1!, alpha: -0.3 };
    const together = await patch(standard, [a, b]);
    const inTurn = await patch(await patch(standard, [b]), [a]);
    expect(sameBits(together.state, inTurn.state)).toBe(true);
    const rescaled = scale(await patch(standard, [{ ...a, alpha: 3 }, b]), a.signature.id, a.alpha);
    expect(sameBits(together.state, rescaled.state)).toBe(true);
    const only = await patch(standard, [b]);
    expect(sameBits(unpatch(together, a.signature.id).state, only.state)).toBe(true);
    expect(unpatch(together, 'all').state).toBe(standard);
    expect(unpatch(unpatch(together, b.signature.id), a.signature.id).state).toBe(standard);
  });

  it('with α = 0 gives the very tensors of the base, and with −α the opposite change', async () => {
    const none = await patch(standard, [{ signature: packed0!, alpha: 0 }]);
    for (const [name, tensor] of none.state) expect(tensor).toBe(standard.get(name));
    expect(none.report).toMatchObject({ changed: 0, changeNorm: 0 });
    const [plus, minus] = await Promise.all(
      [1, -1].map(async (alpha) => (await patch(standard, [{ signature: packed0!, alpha }])).state),
    );
    for (const { name } of packed0!.tensors) {
      const base = toFloat32(standard.get(name)!);
      const down = toFloat32(minus!.get(name)!);
      for (const [i, value] of toFloat32(plus!.get(name)!).entries()) {
        expect(value - base[i]!).toBeCloseTo(base[i]! - down[i]!, 6);
      }
    }
  });

  it('says so when a narrow dtype rounds the change away', async () => {
    const state = (value: number) => new Map([['w', tensorData('BF16', [2], [value, -value])]]);
    const { signature } = await extract({
      standard: state(1),
      robust: state(1.0078125),
      units: [['w']],
      k: 1,
    });
    const { report } = await patch(state(1), [{ signature, alpha: 0.1 }]);
    expect(report.tensors).toMatchObject([{ name: 'w', elements: 2, changed: 0, changeNorm: 0 }]);
  });

  it('keeps −0 where the signature is 0', async () => {
    const state = (values: number[]) => new Map([['w', tensorData('F32', [2], values)]]);
    const base = state([-0, 1]);
    const { signature } = await extract({
      standard: base,
      robust: state([0, 2]),
      units: [['w']],
      k: 1,
      bits: 32,
    });
    const { state: patched } = await patch(base, [{ signature, alpha: 1 }]);
    expect([...toFloat32(patched.get('w')!)]).toEqual([-0, 2]);
  });

  it('restores every bit for random models, signatures, strengths, rules, orders and dtypes, leaving the base alone', async () => {
    await fc.assert(
      fc.asyncProperty(
        checkpoints(3),
        bits,
        fc.integer({ min: 1, max: 3 }),
        fc.tuple(strengthSeed, strengthSeed, strengthSeed),
        rule,
        fc.shuffledSubarray([0, 1, 2], { minLength: 3 }),
        fc.shuffledSubarray([0, 1, 2], { minLength: 3 }),
        async (random, width, k, strengths, rule, adding, removing) => {
          const signatures = await signaturesOf(random, width, k);
          const before = await stateSha256(random.standard);
          const entry = (i: number): Application => strengthOf(signatures[i]!, strengths[i]!);
          let model = await patch(random.standard, [], { rule });
          for (const i of adding) model = await patch(model, [entry(i)]);
          const atOnce = await patch(random.standard, [0, 1, 2].map(entry), { rule });
          const bySum = await patch(random.standard, [0, 1, 2].map(entry));
          expect(sameBits(recompose(bySum, rule).state, atOnce.state)).toBe(true);
          expect(sameBits(model.state, atOnce.state)).toBe(true);
          const [, ...kept] = removing;
          model = unpatch(model, signatures[removing[0]!]!.id);
          const direct = await patch(random.standard, kept.map(entry), { rule });
          expect(sameBits(model.state, direct.state)).toBe(true);
          expect(model.report).toEqual(direct.report);
          for (const i of kept) model = unpatch(model, signatures[i]!.id);
          expect(await stateSha256(model.state)).toBe(before);
          expect(await stateSha256(random.standard)).toBe(before);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('patch refuses', () => {
  const one = [{ signature: packed0!, alpha: 1 }];
  const changed = (change: (state: Map<string, TensorData>) => void): StateDict => {
    const state = new Map(standard);
    change(state);
    return state;
  };

  it('a model that is not the base, unless transfer is allowed; then the report says so', async () => {
    const tuned = changed((state) => state.set('features.0.bias', tensorData('F32', [4], [1, 2, 3, 4])));
    const error = await patch(tuned, one).catch((error: SignatureMismatchError) => error);
    expect(error).toBeInstanceOf(SignatureMismatchError);
    expect(error).toMatchObject({
      code: 'RWS_SIGNATURE_MISMATCH',
      mismatches: [{ tensor: 'features.0.bias', reason: 'content' }],
      message: expect.stringMatching(
        /^signature "toy-0" \([0-9a-f]{12}\) was extracted from base [0-9a-f]{12}, this model is [0-9a-f]{12}; pass allowTransfer to apply it anyway \(1 of 4 tensors differ in content: "features\.0\.bias"\)\.$/,
      ),
    });
    const transferred = await patch(tuned, one, { allowTransfer: true });
    expect(transferred.applied).toMatchObject([{ transferred: true }]);
    expect(unpatch(transferred, 'all').state).toBe(tuned);
    expect((await patch(standard, one)).applied).toMatchObject([{ transferred: false }]);
  });

  it('a model that it does not fit, transfer or not, listing every tensor', async () => {
    const other = changed((state) => {
      state.delete('features.0.bias');
      state.set('features.2.bias', tensorData('F32', [2, 2], [1, 2, 3, 4]));
      state.set('features.2.weight', tensorData('I8', [4, 4, 3, 3], new Array(144).fill(0)));
    });
    const error = await patch(other, one, { allowTransfer: true }).catch(
      (error: SignatureMismatchError) => error,
    );
    expect(error).toMatchObject({
      code: 'RWS_SIGNATURE_MISMATCH',
      mismatches: [
        { tensor: 'features.0.bias', reason: 'missing' },
        { tensor: 'features.2.weight', reason: 'dtype' },
        { tensor: 'features.2.bias', reason: 'shape', detail: '[4] in the signature, [2, 2] in the model' },
      ],
    });
  });

  it('the same model in another precision without allowTransfer, and takes it with', async () => {
    const half: StateDict = new Map(
      [...standard].map(([name, t]) => [name, tensorData('F16', t.shape, toFloat32(t))]),
    );
    expect(await outcome(patch(half, one))).toBe('RWS_SIGNATURE_MISMATCH');
    const { state } = await patch(half, one, { allowTransfer: true });
    expect(state.get('features.0.weight')!.dtype).toBe('F16');
  });

  it('a signature twice, an α that is not finite, an id that is not applied', async () => {
    expect(await outcome(patch(standard, [...one, ...one]))).toBe('RWS_ALREADY_APPLIED');
    const model = await patch(standard, one);
    expect(await outcome(patch(model, one))).toBe('RWS_ALREADY_APPLIED');
    for (const signature of [first!, packed0!]) {
      const applied = await patch(standard, [{ signature, alpha: 1 }]);
      const renamed = await withAbout(signature, { name: 'another name' });
      await expect(patch(applied, [{ signature: renamed, alpha: 1 }])).rejects.toMatchObject({
        code: 'RWS_ALREADY_APPLIED',
        message: expect.stringContaining(`described otherwise, as ${signature.id}`),
      });
    }
    for (const alpha of [Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(await outcome(patch(standard, [{ signature: packed0!, alpha }]))).toBe('RWS_OPTION_INVALID');
      expect(() => scale(model, packed0!.id, alpha)).toThrow(
        expect.objectContaining({ code: 'RWS_OPTION_INVALID' }),
      );
    }
    const unknown = expect.objectContaining({
      code: 'RWS_NOT_APPLIED',
      message: expect.stringContaining(packed0!.id),
    });
    expect(() => unpatch(model, packed1!.id)).toThrow(unknown);
    expect(() => scale(model, packed1!.id, 1)).toThrow(unknown);
  });

  it('a sum that the dtype cannot hold', async () => {
    const signature = packed0!;
    expect(await outcome(patch(standard, [{ signature, alpha: 1e42 }]))).toBe('RWS_OUT_OF_RANGE');
    const state = (value: number) => new Map([['w', tensorData('F64', [1], [value])]]);
    const huge = (await extract({ standard: state(0), robust: state(1e30), units: [['w']], k: 1 })).signature;
    expect(await outcome(patch(state(0), [{ signature: huge, alpha: 1e300 }]))).toBe('RWS_OUT_OF_RANGE');
    const half: StateDict = new Map(
      [...standard].map(([name, t]) => [name, tensorData('F16', t.shape, toFloat32(t))]),
    );
    expect(await outcome(patch(half, [{ signature, alpha: 1e7 }], { allowTransfer: true }))).toBe(
      'RWS_OUT_OF_RANGE',
    );
  });

  it('non-finite weights in the tensors that it would touch', async () => {
    const broken = changed((state) =>
      state.set('features.0.bias', tensorData('F32', [4], [1, Number.NaN, 3, 4])),
    );
    expect(await outcome(patch(broken, one, { allowTransfer: true }))).toBe('RWS_NON_FINITE');
  });
});
