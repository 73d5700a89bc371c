import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryMetadata, arbitraryState } from '../test/arbitrary.ts';
import { codeOf } from '../test/code-of.ts';
import { testBytes } from '../test/files.ts';
import { DTYPES } from './dtype.ts';
import { parseSafetensors, serializeSafetensors } from './safetensors.ts';
import { tensorData, toFloat64 } from './tensor.ts';

describe('safetensors', () => {
  it('gives every state and its metadata back, whatever the names, dtypes, shapes and bytes', () => {
    fc.assert(
      fc.property(arbitraryState, arbitraryMetadata, (state, metadata) => {
        const file = serializeSafetensors(state, metadata);
        const parsed = parseSafetensors(file);
        expect(parsed.metadata).toEqual(metadata);
        expect(new Map([...parsed.state].sort())).toEqual(new Map([...state].sort()));
        expect(new DataView(file.buffer).getUint32(0, true) % 8).toBe(0);
      }),
      { seed: 7 },
    );
  });

  it('writes the same bytes whatever the order of the map', () => {
    fc.assert(
      fc.property(arbitraryState, (state) => {
        expect(serializeSafetensors(new Map([...state].reverse()))).toEqual(serializeSafetensors(state));
      }),
      { seed: 7 },
    );
  });

  it('writes byte for byte what the reference implementation writes', () => {
    const reference = testBytes('reference.safetensors');
    const { state, metadata } = parseSafetensors(reference);
    expect(serializeSafetensors(state, metadata)).toEqual(reference);
    expect(metadata).toEqual(new Map([['format', 'np']]));
    expect(state.get('b')!.shape).toEqual([2, 3, 4]);
    expect(Array.from(toFloat64(state.get('f2')!))).toEqual([0, 1, 2]);
    expect(state.get('__proto__')).toEqual({ dtype: 'I8', shape: [2], bytes: new Uint8Array([1, 1]) });
    expect(state.has('quote" \\ \n é \u{1f600}')).toBe(true);
  });

  it('starts each tensor at a multiple of its element size', () => {
    const state = new Map(DTYPES.map((dtype) => [dtype as string, tensorData(dtype, [3], [1, 0, 1])]));
    const { state: parsed } = parseSafetensors(serializeSafetensors(state));
    for (const { bytes } of parsed.values()) expect(bytes.byteOffset % (bytes.length / 3)).toBe(0);
    expect([...parsed.keys()]).toEqual([
      'I64',
      'F64',
      'F32',
      'I32',
      'BF16',
      'F16',
      'I16',
      'I8',
      'U8',
      'BOOL',
    ]);
  });

  it('refuses to write what could not be read', () => {
    const good = tensorData('F32', [1], [1]);
    expect(codeOf(() => serializeSafetensors(new Map([['__metadata__', good]])))).toBe('TIO_BAD_NAME');
    expect(codeOf(() => serializeSafetensors(new Map([['\ud83d', good]])))).toBe('TIO_BAD_NAME');
    expect(codeOf(() => serializeSafetensors(new Map(), new Map([['k', '\udc00']])))).toBe('TIO_BAD_NAME');
    expect(codeOf(() => serializeSafetensors(new Map([['a', { ...good, shape: [2] }]])))).toBe(
      'TIO_SIZE_MISMATCH',
    );
    expect(codeOf(() => serializeSafetensors(new Map(), new Map([['k', 'x'.repeat(1e8)]])))).toBe(
      'TIO_HEADER_TOO_LARGE',
    );
  });
});
