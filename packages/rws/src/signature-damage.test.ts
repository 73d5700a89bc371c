import {
  type Metadata,
  parseSafetensors,
  serializeSafetensors,
  type TensorData,
  TensorIoError,
  tensorData,
} from '@proj/tensor-io';
import { describe, expect, it } from 'vitest';
import {
  codeOf,
  file,
  type Header,
  kinds,
  plain,
  withHeader,
  withState,
  withText,
} from '../test/toy-signature.ts';
import { extract, RwsError, signatureFromBytes, signatureToBytes } from './index.ts';

describe('a damaged signature file is refused', () => {
  const metadataCases: [string, (header: Header) => void][] = [
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
    ['tensors of a unit beyond k', (header) => (header['k'] = 1)],
    [
      'tensors that are only replaced',
      (header) => (header.tensors = header.tensors.map((entry) => ({ ...entry, unit: null }))),
    ],
    ['a replacement where batch norm is kept as it is', (header) => (header.tensors[3]!['unit'] = null)],
    [
      'a role that the policy leaves out',
      (header) =>
        Object.assign(header, {
          batchNorm: 'keep',
          tensors: header.tensors.map((entry) => ({ ...entry, role: 'scale' })),
        }),
    ],
    ['another batch-norm policy', (header) => (header['batchNorm'] = 'sometimes')],
    ['a structure of another kind', (header) => (header['structure'] = { kind: 'sparse' })],
    ['a density of 2', (header) => (header['structure'] = { kind: 'sparse', density: 2 })],
    ['rank and energy', (header) => (header['structure'] = { kind: 'low-rank', rank: 1, energy: 1 })],
    ['kept values in a dense signature', (header) => (header.tensors[1]!['kept'] = 3)],
    ['a rank in a dense signature', (header) => (header.tensors[1]!['rank'] = 1)],
    [
      '2^31 values',
      (header) =>
        Object.assign(header, {
          model: { parameters: 2 ** 40, bytes: 2 ** 42 },
          tensors: [{ ...header.tensors[0], shape: [2 ** 31] }, ...header.tensors.slice(1)],
        }),
    ],
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
    ['signs with levels', (header) => (header['quantizer'] = { scheme: 'sign', levels: 2 })],
    ['a quantizer without levels', (header) => (header['quantizer'] = { scheme: 'linear' })],
    ['levels without a quantizer', (header) => (header['quantizer'] = { scheme: 'none', levels: 16 })],
    ['257 levels', (header) => (header['quantizer'] = { scheme: 'linear', levels: 257 })],
    ['1 level', (header) => (header['quantizer'] = { scheme: 'linear', levels: 1 })],
    ['a model smaller than the signature', (header) => (header['model'] = { parameters: 3, bytes: 12 })],
    ['tensors that are no list', (header) => (header['tensors'] = {} as Header['tensors'])],
    ['no tensors', (header) => (header.tensors = [])],
    ['a tensor listed twice', (header) => header.tensors.splice(1, 0, { ...header.tensors[0] })],
    ['units out of order', (header) => (header.tensors[3]!['unit'] = 0)],
    ['a negative dimension', (header) => (header.tensors[0]!['shape'] = [-4, 27])],
    ['a shape whose product overflows', (header) => (header.tensors[0]!['shape'] = [2 ** 40, 2 ** 40])],
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
    const future = withHeader((header) => Object.assign(header, { format: 'rws/3', novelty: true }));
    expect(await codeOf(future)).toBe('RWS_FORMAT_UNSUPPORTED');
    expect(await codeOf(withHeader((header) => (header['format'] = 1)))).toBe('RWS_METADATA_INVALID');
  });

  it('metadata beside the two keys, or without one', async () => {
    const { state, metadata } = parseSafetensors(file);
    expect(await codeOf(serializeSafetensors(state, new Map([['rws', metadata.get('rws')!]])))).toBe(
      'RWS_METADATA_INVALID',
    );
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
      'a negative norm',
      'RWS_TENSORS_INVALID',
      (state) => state.set('statistics', tensorData('F64', [4, 3], Array(12).fill(-1))),
    ],
    [
      'an infinite p',
      'RWS_NON_FINITE',
      (state) => state.set('statistics', tensorData('F64', [4, 3], Array(12).fill(Number.POSITIVE_INFINITY))),
    ],
    [
      'hashes of other tensors',
      'RWS_METADATA_INVALID',
      (state) => state.set('hashes', tensorData('U8', [4, 3, 32], Array(384).fill(1))),
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

  it('codes that are there twice, plain and entropy-coded', async () => {
    const codes = tensorData('U8', [8], Array(8).fill(0));
    expect(await codeOf(withState((state) => state.set('rans-codes.features.0.bias', codes)))).toBe(
      'RWS_TENSORS_INVALID',
    );
  });

  it('an entropy-coded stream that is none', async () => {
    const codes = tensorData('U8', [8], Array(8).fill(0));
    const bytes = withState((state) => {
      state.delete('codes.features.0.bias');
      state.set('rans-codes.features.0.bias', codes);
    });
    expect(await codeOf(bytes)).toBe('RWS_CODES_INVALID');
  });

  it('a mask that marks more values than there are', async () => {
    const [, , sparse] = kinds.find(([name]) => name.includes('sparse'))!;
    const mask = tensorData('U8', [14], Array(14).fill(15));
    const bytes = withState((state) => {
      state.delete('rans-mask.features.0.weight');
      state.set('mask.features.0.weight', mask);
    }, sparse);
    expect(await codeOf(bytes)).toBe('RWS_CODES_INVALID');
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

  describe.each(kinds)('%s', (_, signature, file) => {
    it('cut anywhere, with a coded error', async () => {
      for (let length = 0; length < file.length; length += 7) {
        await expect(signatureFromBytes(file.subarray(0, length))).rejects.toBeInstanceOf(TensorIoError);
      }
    });

    it('with any byte changed: refused with a code, or the same signature', async () => {
      for (let at = 0; at < file.length; at++) {
        const damaged = file.slice();
        damaged[at]! ^= 1 << (at % 8);
        try {
          expect((await signatureFromBytes(damaged)).id).toBe(signature.id);
        } catch (error) {
          if (!(error instanceof RwsError || error instanceof TensorIoError)) throw error;
        }
      }
    });
  });
});
