import { parseSafetensors, type StateDict, serializeSafetensors } from '@proj/tensor-io';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bits, checkpoints, signaturesOf } from '../test/arbitraries.ts';
import { codeOf, file, kinds, plain, signature, withHeader, withState } from '../test/toy-signature.ts';
import { dequantize, isSignature, signatureFromBytes, signatureToBytes } from './index.ts';

describe('a signature file', () => {
  it('comes back as the same signature with the same id, and is written the same again', async () => {
    for (const one of [signature, plain, ...kinds.map(([, kind]) => kind)]) {
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
    expect([...metadata.keys()]).toEqual(['rws', 'rws-id']);
    expect(isSignature(metadata)).toBe(true);
    expect(isSignature(new Map([['format', 'pt']]))).toBe(false);
    expect(new Map([...state].map(([name, { dtype, shape }]) => [name, `${dtype} ${shape}`]))).toEqual(
      new Map([
        ['hashes', 'U8 4,3,32'],
        ['scales', 'F32 4,2'],
        ['statistics', 'F64 4,3'],
        ['codes.features.0.bias', 'U8 2'],
        ['codes.features.0.weight', 'U8 54'],
        ['codes.features.2.bias', 'U8 2'],
        ['codes.features.2.weight', 'U8 72'],
      ]),
    );
    const names = [...parseSafetensors(signatureToBytes(plain)).state.keys()];
    expect(names.filter((name) => !name.startsWith('values.')).sort()).toEqual(['hashes', 'statistics']);
  });

  it('keeps its id when another tool writes the tensors in another order', async () => {
    const { state, metadata } = parseSafetensors(file);
    const reversed: StateDict = new Map([...state].reverse());
    expect((await signatureFromBytes(serializeSafetensors(reversed, metadata))).id).toBe(signature.id);
  });

  it('is refused under its id with other content', async () => {
    const touched = withState((state) => {
      const codes = state.get('codes.features.0.weight')!;
      state.set('codes.features.0.weight', {
        ...codes,
        bytes: codes.bytes.map((byte, i) => (i === 7 ? byte ^ 1 : byte)),
      });
    });
    expect(await codeOf(touched)).toBe('RWS_ID_MISMATCH');
    expect(await codeOf(withHeader((header) => (header['about'] = {})))).toBe('RWS_ID_MISMATCH');
  });
});
