import {
  type DType,
  type Metadata,
  parseSafetensors,
  type StateDict,
  serializeSafetensors,
  stateSha256,
  type TensorData,
  tensorData,
  toFloat32,
} from '@proj/tensor-io';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bits, checkpoints, signaturesOf } from '../test/arbitraries.ts';
import { golden, goldenState, goldenUnits } from '../test/golden.ts';
import { rule, strengthOf, strengthSeed } from '../test/strengths.ts';
import { BitWriter } from './bit-stream.ts';
import {
  extract,
  isPatched,
  openPatched,
  type PatchedModel,
  patch,
  patchedMetadata,
  type Signature,
  scale,
  unpatch,
} from './index.ts';
import { canonicalJson } from './json.ts';

const init = goldenState(golden.state.pretrained);
const standard = goldenState(golden.state.standard);
const original: Metadata = new Map([['format', 'pt']]);
const [a, b, c] = await Promise.all(
  [4, 8, 32].map(async (bits, i): Promise<Signature> => {
    const robust = goldenState(golden.state.robust[i % 2]!);
    return (await extract({ init, standard, robust, units: goldenUnits, k: i + 1, bits })).signature;
  }),
);
const three = await patch(standard, [
  { signature: a!, alpha: 1 },
  { signature: b!, alpha: -0.5 },
  { signature: c!, alpha: 0.25 },
]);

async function fileOf(model: PatchedModel, metadata: Metadata = original): Promise<Uint8Array> {
  return serializeSafetensors(model.state, await patchedMetadata(model, metadata));
}
async function reopen(bytes: Uint8Array) {
  const { state, metadata } = parseSafetensors(bytes);
  return openPatched(state, metadata);
}
const outcome = (promise: Promise<unknown>) =>
  promise.then(
    () => 'accepted',
    (error: { code?: string }) => error.code,
  );

const file = parseSafetensors(await fileOf(three));

type Entry = Record<string, unknown> & {
  tensors: Record<string, unknown>[];
  signatures: Record<string, unknown>[];
};
function withEntry(change: (entry: Entry) => void, state: StateDict = file.state) {
  const entry = JSON.parse(file.metadata.get('rws-patched')!) as Entry;
  change(entry);
  return outcome(openPatched(state, new Map([...file.metadata, ['rws-patched', canonicalJson(entry)]])));
}
function withTensor(name: string, change: (tensor: TensorData) => TensorData) {
  return outcome(openPatched(new Map(file.state).set(name, change(file.state.get(name)!)), file.metadata));
}

describe('a patched file', () => {
  it('holds only the ordinary tensors of the model, with one more metadata entry', () => {
    expect([...file.state.keys()].sort()).toEqual([...standard.keys()].sort());
    for (const [name, { dtype, shape }] of file.state)
      expect(standard.get(name)).toMatchObject({ dtype, shape });
    expect([...file.metadata.keys()]).toEqual(['format', 'rws-patched']);
    expect(isPatched(file.metadata)).toBe(true);
    expect(isPatched(original)).toBe(false);
  });

  it('gives back the patched model, its base bit for bit and the original metadata', async () => {
    const { model, metadata } = await reopen(await fileOf(three));
    expect(await stateSha256(model.base)).toBe(await stateSha256(standard));
    expect(await stateSha256(model.state)).toBe(await stateSha256(three.state));
    expect(model.applied).toEqual(three.applied);
    expect(model.report).toEqual(three.report);
    expect(metadata).toEqual(original);
  });

  it.each([
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ])(
    'loses its signatures one by one in the order %i %i %i, through files, and is the original',
    async (...order) => {
      let bytes = await fileOf(three);
      for (const i of order) {
        const { model, metadata } = await reopen(bytes);
        bytes = await fileOf(unpatch(model, [a!, b!, c!][i]!.id), metadata);
      }
      expect(bytes).toEqual(serializeSafetensors(standard, original));
    },
  );

  it('takes further signatures and other strengths after reopening', async () => {
    const one = await patch(standard, [{ signature: a!, alpha: 1 }]);
    const { model } = await reopen(await fileOf(one));
    const more = await patch(scale(model, a!.id, 0.5), [{ signature: b!, alpha: 2 }]);
    const direct = await patch(standard, [
      { signature: b!, alpha: 2 },
      { signature: a!, alpha: 0.5 },
    ]);
    expect(await fileOf(more)).toEqual(await fileOf(direct));
  });

  it('remembers a transfer', async () => {
    const tuned = new Map(standard).set('features.0.bias', tensorData('F32', [4], [1, 2, 3, 4]));
    const model = await patch(tuned, [{ signature: a!, alpha: 1 }], { allowTransfer: true });
    const reopened = await reopen(await fileOf(model));
    expect(reopened.model.applied).toMatchObject([{ transferred: true }]);
    expect(await stateSha256(unpatch(reopened.model, 'all').state)).toBe(await stateSha256(tuned));
  });

  it('is undone exactly for random models, signatures, strengths, rules and dtypes', async () => {
    await fc.assert(
      fc.asyncProperty(
        checkpoints(2),
        bits,
        fc.integer({ min: 1, max: 3 }),
        fc.tuple(strengthSeed, strengthSeed),
        rule,
        fc.boolean(),
        async (random, width, k, strengths, rule, firstOut) => {
          const signatures = await signaturesOf(random, width, k);
          const applications = signatures.map((signature, i) => strengthOf(signature, strengths[i]!));
          const before = await stateSha256(random.standard);
          const patched = await patch(random.standard, applications, { rule });
          const { model } = await reopen(await fileOf(patched));
          expect(model.applied).toEqual(patched.applied);
          expect(model.rule).toEqual(rule);
          const order = firstOut ? signatures : [...signatures].reverse();
          const [left] = order.slice(1);
          const half = await reopen(await fileOf(unpatch(model, order[0]!.id)));
          const whole = unpatch(half.model, left!.id);
          expect(await stateSha256(whole.state)).toBe(before);
          expect(await patchedMetadata(whole, half.metadata)).toEqual(original);
        },
      ),
      { numRuns: 50 },
    );
  });

  it.each<[DType, number]>([
    ['F16', 65504],
    ['BF16', 3.38953139e38],
    ['F32', 3.4028234663852886e38],
    ['F64', Number.MAX_VALUE],
  ])('is undone exactly at the limits of %s', async (dtype, largest) => {
    const values = [largest, -largest, 1e-8, -0, 0, largest / 2];
    const base: StateDict = new Map([['w', tensorData(dtype, [6], values)]]);
    const zero = new Map([['w', tensorData('F32', [6], new Array(6).fill(0))]]);
    const step = new Map([['w', tensorData('F32', [6], [-15.9, 15.9, 1, 1, -1, 0.001])]]);
    const { signature } = await extract({ standard: zero, robust: step, units: [['w']], k: 1, bits: 32 });
    for (const alpha of [1, -1e-3, 900]) {
      const model = await patch(base, [{ signature, alpha }], { allowTransfer: true });
      const reopened = await reopen(await fileOf(model));
      expect(await stateSha256(reopened.model.base)).toBe(await stateSha256(base));
    }
  });
});

describe('a patched file is refused', () => {
  it('when signatures, undo data or metadata do not fit into a safetensors header', async () => {
    const [{ signature, ...strength }] = three.applied as [(typeof three.applied)[number]];
    const about = { name: 'x'.repeat(7.6e7) };
    const large = { ...three, applied: [{ ...strength, signature: { ...signature, about } }] };
    await expect(patchedMetadata(large)).rejects.toMatchObject({
      code: 'RWS_PATCH_TOO_LARGE',
      message: expect.stringMatching(
        /about 1013\d{5} bytes, at most 100000000 are allowed: extract with fewer bits/,
      ),
    });
    const note = new Map([['note', 'x'.repeat(1e8 - 1000)]]);
    expect(await outcome(patchedMetadata(three, note))).toBe('RWS_PATCH_TOO_LARGE');
  });

  it('when it is patched already, or not at all', async () => {
    expect(await outcome(patchedMetadata(three, file.metadata))).toBe('RWS_ALREADY_PATCHED');
    expect(await outcome(patch(file.state, [{ signature: a!, alpha: 1 }]))).toBe('RWS_SIGNATURE_MISMATCH');
    expect(await outcome(openPatched(standard, original))).toBe('RWS_NOT_PATCHED');
  });

  it('when a touched or an untouched weight was edited since', async () => {
    const nudged = ({ bytes, ...rest }: TensorData) => ({
      ...rest,
      bytes: bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte)),
    });
    for (const name of file.state.keys()) expect(await withTensor(name, nudged)).toBe('RWS_UNDO_MISMATCH');
    expect(
      await withTensor('features.0.bias', (t) => tensorData('F32', t.shape, [1, Number.NaN, 3, 4])),
    ).toBe('RWS_NON_FINITE');
  });

  it('when the weights do not follow from its α, even where the base still comes out right', async () => {
    expect(await withEntry((entry) => (entry.signatures[0]!['alpha'] = 0.9))).toBe('RWS_UNDO_MISMATCH');
    const state = (value: number): StateDict => new Map([['w', tensorData('F32', [1], [value])]]);
    const { signature } = await extract({
      standard: state(1),
      robust: state(1e-7),
      units: [['w']],
      k: 1,
      bits: 32,
    });
    const { state: patched, metadata } = parseSafetensors(
      await fileOf(await patch(state(1), [{ signature, alpha: 1 }])),
    );
    const [value] = toFloat32(patched.get('w')!);
    expect(value).toBeLessThan(2e-7);
    expect(await outcome(openPatched(patched, metadata))).toBe('accepted');
    expect(await outcome(openPatched(state(value! * 1.001), metadata))).toBe('RWS_UNDO_MISMATCH');
  });

  it('when tensors are missing or of another form', async () => {
    const lacking = new Map(file.state);
    lacking.delete('features.0.bias');
    expect(await outcome(openPatched(lacking, file.metadata))).toBe('RWS_METADATA_INVALID');
    expect(await withTensor('features.0.bias', () => tensorData('F32', [1, 4], [1, 2, 3, 4]))).toBe(
      'RWS_METADATA_INVALID',
    );
    expect(await withTensor('features.0.bias', () => tensorData('I32', [4], [1, 2, 3, 4]))).toBe(
      'RWS_METADATA_INVALID',
    );
  });

  it.each<[string, string, (entry: Entry) => void]>([
    ['a future format', 'RWS_FORMAT_UNSUPPORTED', (entry) => (entry['format'] = 'rws-patched/3')],
    [
      'no signatures',
      'RWS_METADATA_INVALID',
      (entry) => Object.assign(entry, { signatures: [], tensors: [] }),
    ],
    [
      'a signature less',
      'RWS_UNDO_MISMATCH',
      (entry) =>
        entry.signatures.splice(
          entry.signatures.findIndex(({ id }) => id === a!.id),
          1,
        ),
    ],
    ['signatures out of order', 'RWS_METADATA_INVALID', (entry) => entry.signatures.reverse()],
    [
      'a signature twice',
      'RWS_METADATA_INVALID',
      (entry) => entry.signatures.splice(1, 0, entry.signatures[0]!),
    ],
    ['another id', 'RWS_METADATA_INVALID', (entry) => (entry.signatures[0]!['id'] = '0'.repeat(64))],
    ['a signature that is none', 'TIO_TRUNCATED', (entry) => (entry.signatures[0]!['file'] = 'AAAA')],
    ['loose base64', 'RWS_METADATA_INVALID', (entry) => (entry.signatures[0]!['file'] = 'A A=')],
    ['an infinite α', 'RWS_METADATA_INVALID', (entry) => (entry.signatures[0]!['alpha'] = null)],
    ['another list of tensors', 'RWS_METADATA_INVALID', (entry) => entry.tensors.pop()],
    [
      'another hash of a tensor',
      'RWS_UNDO_MISMATCH',
      (entry) => (entry.tensors[0]!['sha256'] = '0'.repeat(64)),
    ],
    ['another hash of the base', 'RWS_UNDO_MISMATCH', (entry) => (entry['base'] = '0'.repeat(64))],
    ['no undo data', 'RWS_UNDO_INVALID', (entry) => (entry['undo'] = '')],
    ['undo data of zeros', 'RWS_UNDO_INVALID', (entry) => (entry['undo'] = 'AAAA')],
    [
      'undo data cut short',
      'RWS_UNDO_INVALID',
      (entry) => (entry['undo'] = (entry['undo'] as string).slice(0, -8)),
    ],
    ['undo data that is no code', 'RWS_UNDO_INVALID', (entry) => (entry['undo'] = '////')],
    ...[[0], [0x37], [3, 0]].map((junk): [string, string, (entry: Entry) => unknown] => [
      `undo data followed by ${junk}`,
      'RWS_UNDO_INVALID',
      (entry) => {
        const undo = Buffer.from(entry['undo'] as string, 'base64');
        entry['undo'] = Buffer.concat([undo, Uint8Array.from(junk)]).toString('base64');
      },
    ]),
  ])('for %s', async (_, code, change) => {
    expect(await withEntry(change)).toBe(code);
  });

  it.each([
    ['more differences than a tensor has elements', [1e9]],
    ['a difference beyond the end of its tensor', [1, 'orders', 1e9, 0]],
    ['a difference of 2^32', [1, 'orders', 0, 2 ** 32 - 1]],
  ])('for undo data with %s', async (_, codes) => {
    const writer = new BitWriter();
    for (const [i, code] of codes.entries()) {
      if (typeof code === 'number') writer.writeGolomb(code, i === 0 ? 16 : 0);
      else writer.write(0, 10);
    }
    const undo = Buffer.from(writer.finish()).toString('base64');
    expect(await withEntry((entry) => (entry['undo'] = undo))).toBe('RWS_UNDO_INVALID');
  });

  it.each<[string, (entry: Entry) => void]>([
    ['an unknown rule', (entry) => (entry['rule'] = { kind: 'average' })],
    ['a rule of an inherited name', (entry) => (entry['rule'] = { kind: 'constructor' })],
    ['no rule', (entry) => (entry['rule'] = null)],
    ['a density of 0', (entry) => (entry['rule'] = { kind: 'magnitude', density: 0 })],
    ['an α of a unit beyond k', (entry) => (entry.signatures[0]!['units'] = [{ unit: 9, alpha: 1 }])],
    ['an α of a foreign tensor', (entry) => (entry.signatures[0]!['tensors'] = [{ name: 'x', alpha: 1 }])],
    ['an empty list of units', (entry) => (entry.signatures[0]!['units'] = [])],
    [
      'a unit twice',
      (entry) => {
        entry.signatures[0]!['units'] = [0, 0].map((unit) => ({ unit, alpha: 1 }));
      },
    ],
  ])('for %s', async (_, change) => {
    expect(await withEntry(change)).toBe('RWS_METADATA_INVALID');
  });
});
