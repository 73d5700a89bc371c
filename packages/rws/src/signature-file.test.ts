import {
  type Metadata,
  parseSafetensors,
  type StateDict,
  serializeSafetensors,
  type TensorData,
  TensorIoError,
  tensorData,
} from '@proj/tensor-io';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bits, checkpoints, signaturesOf } from '../test/arbitraries.ts';
import { golden, goldenState, goldenUnits } from '../test/golden.ts';
import { dequantize, extract, isSignature, RwsError, signatureFromBytes, signatureToBytes } from './index.ts';
import { canonicalJson } from './json.ts';

const checkpointsOfPaper = {
  init: goldenState(golden.state.pretrained),
  standard: goldenState(golden.state.standard),
  robust: goldenState(golden.state.robust[0]!),
  units: goldenUnits,
  k: 2,
};
const about = {
  name: 'fog',
  architecture: 'toy',
  corruption: 'fog',
  severity: 5,
  dataset: 'none',
  recommendedAlpha: -0.5,
  measured: [{ model: 'patched', images: 'fog', accuracy: 0.5 }],
  tool: 'test',
};
const { signature } = await extract({ ...checkpointsOfPaper, about });
const { signature: plain } = await extract({ ...checkpointsOfPaper, bits: 32 });
const file = signatureToBytes(signature);
const codeOf = (bytes: Uint8Array): Promise<string> =>
  signatureFromBytes(bytes).then(
    () => 'accepted',
    (error: { code: string }) => error.code,
  );

type Json = Record<string, unknown> & { tensors: Record<string, unknown>[] };

/** The file again with its metadata object changed. */
function withHeader(change: (header: Json) => void, of = file): Uint8Array {
  const { state, metadata } = parseSafetensors(of);
  const header = JSON.parse(metadata.get('rws')!) as Json;
  change(header);
  return serializeSafetensors(state, new Map([['rws', canonicalJson(header)]]));
}

function withState(change: (state: Map<string, TensorData>) => void, of = file): Uint8Array {
  const { state, metadata } = parseSafetensors(of);
  const copy = new Map(state);
  change(copy);
  return serializeSafetensors(copy, metadata);
}

function withText(change: (text: string) => string): Uint8Array {
  const { state, metadata } = parseSafetensors(file);
  return serializeSafetensors(state, new Map([['rws', change(metadata.get('rws')!)]]));
}

describe('a signature file', () => {
  it('comes back as the same signature with the same id, and is written the same again', async () => {
    for (const one of [signature, plain]) {
      const bytes = signatureToBytes(one);
      const read = await signatureFromBytes(bytes);
      expect(read).toEqual(one);
      expect(signatureToBytes(read)).toEqual(bytes);
    }
  });

  it('does so for random checkpoints, dtypes, bits and hostile names', async () => {
    await fc.assert(
      fc.asyncProperty(checkpoints(1), bits, fc.integer({ min: 1, max: 3 }), async (random, width, k) => {
        const [one] = await signaturesOf(random, width, k);
        const read = await signatureFromBytes(signatureToBytes(one!));
        expect(read).toEqual(one);
        expect(dequantize(read)).toEqual(dequantize(one!));
      }),
      { numRuns: 80 },
    );
  });

  it('is a plain safetensors file with packed codes and one table of scales', () => {
    const { state, metadata } = parseSafetensors(file);
    expect([...metadata.keys()]).toEqual(['rws']);
    expect(isSignature(metadata)).toBe(true);
    expect(isSignature(new Map([['format', 'pt']]))).toBe(false);
    expect(new Map([...state].map(([name, { dtype, shape }]) => [name, `${dtype} ${shape}`]))).toEqual(
      new Map([
        ['scales', 'F32 4,2'],
        ['codes.features.0.bias', 'U8 2'],
        ['codes.features.0.weight', 'U8 54'],
        ['codes.features.2.bias', 'U8 2'],
        ['codes.features.2.weight', 'U8 72'],
      ]),
    );
    expect(
      [...parseSafetensors(signatureToBytes(plain)).state.keys()].every((name) => name.startsWith('values.')),
    ).toBe(true);
  });

  it('keeps its id when another tool writes the tensors in another order', async () => {
    const { state, metadata } = parseSafetensors(file);
    const reversed: StateDict = new Map([...state].reverse());
    expect((await signatureFromBytes(serializeSafetensors(reversed, metadata))).id).toBe(signature.id);
  });

  it('never gets the id of other content', async () => {
    const touched = withState((state) => {
      const codes = state.get('codes.features.0.weight')!;
      state.set('codes.features.0.weight', {
        ...codes,
        bytes: codes.bytes.map((byte, i) => (i === 7 ? byte ^ 1 : byte)),
      });
    });
    expect((await signatureFromBytes(touched)).id).not.toBe(signature.id);
    const retold = withHeader((header) => (header['about'] = {}));
    expect((await signatureFromBytes(retold)).id).not.toBe(signature.id);
  });
});

describe('a damaged signature file is refused', () => {
  const metadataCases: [string, (header: Json) => void][] = [
    ['a missing field', (header) => delete header['projection']],
    ['an unknown field', (header) => (header['extra'] = 1)],
    [
      '__proto__ as a field',
      (header) => Object.defineProperty(header, '__proto__', { value: 1, enumerable: true }),
    ],
    ['about with an unknown field', (header) => (header['about'] = { author: 'x' })],
    ['about that is an array', (header) => (header['about'] = [])],
    ['about that is null', (header) => (header['about'] = null)],
    [
      'an accuracy above 1',
      (header) => (header['about'] = { measured: [{ model: 'a', images: 'b', accuracy: 2 }] }),
    ],
    ['a text that is a number', (header) => (header['about'] = { name: 3 })],
    ['a severity of 2.5', (header) => (header['about'] = { severity: 2.5 })],
    ['k = 0', (header) => (header['k'] = 0)],
    ['k beyond units', (header) => (header['units'] = 1)],
    ['k beyond the listed units', (header) => (header['k'] = 3)],
    ['another projection', (header) => (header['projection'] = 'sideways')],
    [
      'an upper-case hash',
      (header) =>
        (header['fingerprints'] = { ...(header['fingerprints'] as object), robust: 'A'.repeat(64) }),
    ],
    [
      'a projection without init',
      (header) => (header['fingerprints'] = { ...(header['fingerprints'] as object), init: null }),
    ],
    [
      'a base hash that is not that of the tensors',
      (header) =>
        (header['fingerprints'] = { ...(header['fingerprints'] as object), standard: '0'.repeat(64) }),
    ],
    ['a quantizer without levels', (header) => (header['quantizer'] = { scheme: 'linear' })],
    ['levels without a quantizer', (header) => (header['quantizer'] = { scheme: 'none', levels: 16 })],
    ['257 levels', (header) => (header['quantizer'] = { scheme: 'linear', levels: 257 })],
    ['1 level', (header) => (header['quantizer'] = { scheme: 'linear', levels: 1 })],
    ['a model smaller than the signature', (header) => (header['model'] = { parameters: 3, bytes: 12 })],
    ['tensors that are no list', (header) => (header['tensors'] = {} as Json['tensors'])],
    ['no tensors', (header) => (header.tensors = [])],
    ['a tensor listed twice', (header) => header.tensors.splice(1, 0, { ...header.tensors[0] })],
    ['units out of order', (header) => (header.tensors[0]!['unit'] = 1)],
    ['a negative dimension', (header) => (header.tensors[0]!['shape'] = [-4, 27])],
    ['a shape whose product overflows', (header) => (header.tensors[0]!['shape'] = [2 ** 40, 2 ** 40])],
    ['p without directionNorm', (header) => (header.tensors[0]!['directionNorm'] = null)],
    ['no p in a projection', (header) => Object.assign(header.tensors[0]!, { directionNorm: null, p: null })],
    ['a negative norm', (header) => (header.tensors[0]!['norm'] = -1)],
  ];
  it.each(metadataCases)('metadata with %s', async (_, change) => {
    expect(await codeOf(withHeader(change))).toBe('RWS_METADATA_INVALID');
  });

  const textCases: [string, (text: string) => string][] = [
    ['no JSON', () => '{'],
    ['a JSON number', () => '1'],
    ['null', () => 'null'],
    ['blanks', (text) => text.replace(',', ', ')],
    ['a duplicate key', (text) => text.replace('"k":2', '"k":9,"k":2')],
    ['another spelling of a number', (text) => text.replace('"k":2', '"k":2.0')],
    ['JSON nested beyond the stack', () => '['.repeat(200_000) + ']'.repeat(200_000)],
  ];
  it.each(textCases)('metadata that is %s', async (_, change) => {
    expect(await codeOf(withText(change))).toBe('RWS_METADATA_INVALID');
  });

  it('a format of the future, whatever its fields', async () => {
    const future = withHeader((header) => Object.assign(header, { format: 'rws/2', novelty: true }));
    expect(await codeOf(future)).toBe('RWS_FORMAT_UNSUPPORTED');
    expect(await codeOf(withHeader((header) => (header['format'] = 1)))).toBe('RWS_METADATA_INVALID');
  });

  it('metadata beside the one key, or without it', async () => {
    const { state, metadata } = parseSafetensors(file);
    const more: Metadata = new Map([...metadata, ['format', 'pt']]);
    expect(await codeOf(serializeSafetensors(state, more))).toBe('RWS_METADATA_INVALID');
    expect(await codeOf(serializeSafetensors(state))).toBe('RWS_NOT_A_SIGNATURE');
    expect(await codeOf(serializeSafetensors(state, new Map([['format', 'pt']])))).toBe(
      'RWS_NOT_A_SIGNATURE',
    );
  });

  const stateCases: [string, string, (state: Map<string, TensorData>) => void, Uint8Array?][] = [
    ['a missing tensor', 'RWS_TENSORS_INVALID', (state) => state.delete('codes.features.0.bias')],
    ['no scales', 'RWS_TENSORS_INVALID', (state) => state.delete('scales')],
    [
      'foreign tensors',
      'RWS_TENSORS_INVALID',
      (state) => {
        for (const n of [1, 2, 3, 4, 5, 6, 7]) state.set(`x${n}`, tensorData('F32', [1], [n]));
      },
    ],
    [
      'codes of another dtype',
      'RWS_TENSORS_INVALID',
      (state) => state.set('codes.features.0.bias', tensorData('I8', [2], [0, 0])),
    ],
    [
      'too few codes',
      'RWS_TENSORS_INVALID',
      (state) => state.set('codes.features.0.bias', tensorData('U8', [1], [0])),
    ],
    [
      'scales of another shape',
      'RWS_TENSORS_INVALID',
      (state) => state.set('scales', tensorData('F32', [8], Array(8).fill(0))),
    ],
    [
      'a NaN scale',
      'RWS_SCALE_INVALID',
      (state) => state.set('scales', tensorData('F32', [4, 2], [0, Number.NaN, 0, 1, 0, 1, 0, 1])),
    ],
    [
      'an infinite scale',
      'RWS_SCALE_INVALID',
      (state) =>
        state.set('scales', tensorData('F32', [4, 2], [0, 1, 0, Number.POSITIVE_INFINITY, 0, 1, 0, 1])),
    ],
    [
      'lo above hi',
      'RWS_SCALE_INVALID',
      (state) => state.set('scales', tensorData('F32', [4, 2], [0, 1, 1, 0, 0, 1, 0, 1])),
    ],
    [
      'a range beyond float32',
      'RWS_SCALE_INVALID',
      (state) => state.set('scales', tensorData('F32', [4, 2], [0, 1, 0, 1, -3e38, 3e38, 0, 1])),
    ],
    [
      'values of another shape',
      'RWS_TENSORS_INVALID',
      (state) => state.set('values.features.0.bias', tensorData('F32', [2, 2], [0, 0, 0, 0])),
      signatureToBytes(plain),
    ],
    [
      'an infinite value',
      'RWS_NON_FINITE',
      (state) =>
        state.set('values.features.0.bias', tensorData('F32', [4], [0, Number.POSITIVE_INFINITY, 0, 0])),
      signatureToBytes(plain),
    ],
  ];
  it.each(stateCases)('%s', async (_, code, change, of) => {
    expect(await codeOf(withState(change, of))).toBe(code);
  });

  it('codes beyond the levels', async () => {
    expect(
      await codeOf(withHeader((header) => (header['quantizer'] = { scheme: 'linear', levels: 15 }))),
    ).toBe('RWS_CODES_INVALID');
  });

  it('set bits after the last code', async () => {
    const names = ['w'];
    const state = (values: number[]) => new Map([['w', tensorData('F32', [3], values)]]);
    const { signature: odd } = await extract({
      standard: state([0, 0, 0]),
      robust: state([1, 2, 3]),
      units: [names],
      k: 1,
    });
    const bytes = withState((tensors) => {
      const { bytes: codes, ...rest } = tensors.get('codes.w')!;
      tensors.set('codes.w', { ...rest, bytes: codes.map((byte, i) => (i === 1 ? byte | 0x80 : byte)) });
    }, signatureToBytes(odd));
    expect(await codeOf(bytes)).toBe('RWS_CODES_INVALID');
  });

  it('cut anywhere, with a coded error', async () => {
    for (let length = 0; length < file.length; length += 7) {
      await expect(signatureFromBytes(file.subarray(0, length))).rejects.toBeInstanceOf(TensorIoError);
    }
  });

  it('with any byte of its header changed: refused with a code, or another signature', async () => {
    const headerLength = Number(new DataView(file.buffer).getBigUint64(0, true));
    await fc.assert(
      fc.asyncProperty(fc.nat(headerLength + 7), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const damaged = file.map((byte, i) => (i === at ? byte ^ flip : byte));
        try {
          expect((await signatureFromBytes(damaged)).id).not.toBe(signature.id);
        } catch (error) {
          if (!(error instanceof RwsError || error instanceof TensorIoError)) throw error;
        }
      }),
      { numRuns: 300 },
    );
  });
});
