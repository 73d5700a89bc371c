import fc from 'fast-check';
import { deflateSync, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { arbitraryState } from '../test/arbitrary.ts';
import { codeOf } from '../test/code-of.ts';
import { testBytes } from '../test/files.ts';
import { type ZipEnd, type ZipPart, zipFile } from '../test/zip-file.ts';
import { crc32 } from './crc32.ts';
import type { TensorIoErrorCode } from './errors.ts';
import { serializeNpy } from './npy.ts';
import { parseNpz, serializeNpz } from './npz.ts';
import type { StateDict } from './state.ts';
import { tensorData, toFloat64 } from './tensor.ts';
import { MAX_INFLATED_BYTES } from './zip.ts';

const array = serializeNpy(tensorData('F32', [2], [1, 2]));
const part: ZipPart = { name: 'a.npy', data: array };
const zeros = new Uint8Array(100_000);
const bomb = deflateSync(zeros, { level: 9 });

describe('npz archives', () => {
  it('that NumPy wrote are read, stored or deflated', () => {
    for (const file of ['stored.npz', 'deflated.npz']) {
      const state = parseNpz(testBytes(file));
      for (const [name, dtype] of [
        ['f8', 'F64'],
        ['f2', 'F16'],
        ['i8', 'I64'],
        ['u1', 'U8'],
      ] as const) {
        expect(state.get(name)!.dtype).toBe(dtype);
        expect(Array.from(toFloat64(state.get(name)!))).toEqual([0, 1, 2]);
      }
      expect(Array.from(toFloat64(state.get('b1')!))).toEqual([0, 1, 1]);
    }
    expect(parseNpz(testBytes('deflated.npz')).get('zeros')!.bytes).toEqual(new Uint8Array(4000));
  });

  it('give every state of dtypes that NumPy has back', () => {
    fc.assert(
      fc.property(arbitraryState, (state) => {
        const known = new Map([...state].filter(([, { dtype }]) => dtype !== 'BF16'));
        expect(parseNpz(serializeNpz(known))).toEqual(known);
      }),
      { seed: 7 },
    );
  });

  it('give names, order, dtypes and bytes back', () => {
    const state: StateDict = new Map([
      ['z', tensorData('F32', [1], [1])],
      ['__proto__', tensorData('U8', [1], [2])],
      ['../x', tensorData('I64', [], [3n])],
      ['é', tensorData('BOOL', [0], [])],
    ]);
    const parsed = parseNpz(serializeNpz(state));
    expect(parsed).toEqual(state);
    expect([...parsed.keys()]).toEqual([...state.keys()]);
    expect(serializeNpz(state)).toEqual(serializeNpz(state));
    expect(parseNpz(serializeNpz(new Map()))).toEqual(new Map());
  });

  it('are read with a comment, with zip64 records, and with an entry without suffix', () => {
    expect([...parseNpz(zipFile([part], { comment: new Uint8Array([1, 2, 3]) })).keys()]).toEqual(['a']);
    expect([...parseNpz(zipFile([part], { zip64: true })).keys()]).toEqual(['a']);
    expect([...parseNpz(zipFile([{ ...part, name: 'b' }])).keys()]).toEqual(['b']);
    const extra = new Uint8Array([0x99, 0x99, 2, 0, 7, 7, 1, 0, 8, 0, array.length, 0, 0, 0, 0, 0, 0, 0]);
    expect([...parseNpz(zipFile([{ ...part, size: 0xffffffff, extra }])).keys()]).toEqual(['a']);
  });

  it('above 4 GiB are refused before anything is copied', () => {
    const big = { dtype: 'U8', shape: [2 ** 30], bytes: new Uint8Array(2 ** 30) } as const;
    const state = new Map(['a', 'b', 'c', 'd'].map((name) => [name, big]));
    expect(codeOf(() => serializeNpz(state))).toBe('TIO_TOO_LARGE');
  });

  it('are not written with more arrays or other names than zip can hold', () => {
    const one = tensorData('U8', [], [1]);
    const many = new Map(Array.from({ length: 65_536 }, (_, i) => [`${i}`, one]));
    expect(codeOf(() => serializeNpz(many))).toBe('TIO_TOO_LARGE');
    expect(codeOf(() => serializeNpz(new Map([['\ud83d', one]])))).toBe('TIO_BAD_NAME');
    expect(codeOf(() => serializeNpz(new Map([['é'.repeat(32_766), one]])))).toBe('TIO_BAD_NAME');
    many.delete('0');
    expect(parseNpz(serializeNpz(many)).size).toBe(65_535);
    const longest = new Map([['x'.repeat(65_531), one]]);
    expect(parseNpz(serializeNpz(longest))).toEqual(longest);
  });

  it('are refused when cut off at any byte', () => {
    const file = testBytes('deflated.npz');
    for (let length = 0; length < file.length; length++) {
      expect(
        codeOf(() => parseNpz(file.slice(0, length))),
        `${length} bytes`,
      ).toBe('TIO_BAD_ZIP');
    }
  });

  it('are read whole or refused with a code when any bit flips', () => {
    const file = zipSync({ 'a.npy': array }, { level: 9 });
    const codes = new Map<string, number>();
    for (let bit = 0; bit < file.length * 8; bit++) {
      const flipped = file.slice();
      flipped[bit >>> 3]! ^= 1 << (bit & 7);
      const code = codeOf(() => {
        const state = parseNpz(flipped);
        if (state.size > 0) expect(state.values().next().value).toEqual(tensorData('F32', [2], [1, 2]));
      });
      codes.set(code ?? 'read', (codes.get(code ?? 'read') ?? 0) + 1);
    }
    expect(codes.get('TIO_BAD_ZIP')).toBeGreaterThan(1000);
  });
});

describe('malformed archives', () => {
  const archive = (change: Partial<ZipPart>, end: ZipEnd = {}) => zipFile([{ ...part, ...change }], end);
  const deflated = { data: bomb, method: 8, crc: crc32(zeros) };
  const cases: [string, TensorIoErrorCode, Uint8Array][] = [
    ['nothing', 'TIO_BAD_ZIP', new Uint8Array()],
    ['no end record', 'TIO_BAD_ZIP', new TextEncoder().encode('PK\x03\x04'.padEnd(100, '.'))],
    ['bytes after the end', 'TIO_BAD_ZIP', new Uint8Array([...zipFile([part]), 0])],
    ['bytes before the start', 'TIO_BAD_ZIP', new Uint8Array([0, ...zipFile([part])])],
    ['a count too high', 'TIO_BAD_ZIP', archive({}, { count: 2 })],
    ['a count too low', 'TIO_BAD_ZIP', archive({}, { count: 0 })],
    ['a directory outside the file', 'TIO_BAD_ZIP', archive({}, { directoryStart: 1e6 })],
    ['a directory of the wrong length', 'TIO_BAD_ZIP', archive({}, { directoryBytes: 3 })],
    ['a zip64 record that lies', 'TIO_BAD_ZIP', archive({}, { zip64: true, directoryStart: 2 ** 40 })],
    ['a zip64 record elsewhere', 'TIO_BAD_ZIP', archive({}, { zip64: true, zip64Record: 7 })],
    ['a zip64 record outside the file', 'TIO_BAD_ZIP', archive({}, { zip64: true, zip64Record: 2 ** 52 })],
    ['two equal names', 'TIO_DUPLICATE_NAME', zipFile([part, part])],
    ['two names equal without suffix', 'TIO_DUPLICATE_NAME', zipFile([part, { ...part, name: 'a' }])],
    ['two entries in one place', 'TIO_BAD_ZIP', zipFile([part, { ...part, start: 0 }])],
    ['another name in the local header', 'TIO_BAD_ZIP', archive({ localName: 'b.npy' })],
    ['a longer name in the local header', 'TIO_BAD_ZIP', archive({ localName: 'a.npyx' })],
    ['a name that is not UTF-8', 'TIO_NOT_UTF8', archive({ name: new Uint8Array([0xff]) })],
    ['no local header', 'TIO_BAD_ZIP', archive({ start: 4 })],
    ['a local header outside the file', 'TIO_BAD_ZIP', archive({ start: 0x7fffffff })],
    ['an encrypted entry', 'TIO_BAD_ZIP', archive({ flags: 1 })],
    ['an unknown method', 'TIO_BAD_ZIP', archive({ method: 14 })],
    ['a wrong CRC', 'TIO_BAD_ZIP', archive({ crc: 1 })],
    ['a stored entry with two lengths', 'TIO_BAD_ZIP', archive({ size: array.length - 1 })],
    ['an entry longer than the archive', 'TIO_BAD_ZIP', archive({ size: 1e9, compressed: 1e9 })],
    ['full sizes without a zip64 field', 'TIO_BAD_ZIP', archive({ size: 0xffffffff })],
    ['more than deflate can hold', 'TIO_BAD_ZIP', archive({ ...deflated, size: 4e9 })],
    ['less than it inflates to', 'TIO_BAD_ZIP', archive({ ...deflated, size: zeros.length - 1 })],
    ['more than it inflates to', 'TIO_BAD_ZIP', archive({ ...deflated, size: zeros.length + 1 })],
    ['far less than it inflates to', 'TIO_BAD_ZIP', archive({ ...deflated, size: 1 })],
    [
      'an empty deflate stream',
      'TIO_BAD_ZIP',
      archive({ data: new Uint8Array(), method: 8, crc: 0, size: 0 }),
    ],
    [
      'a deflate stream of noise',
      'TIO_BAD_ZIP',
      archive({ data: new Uint8Array(64).fill(0xa7), method: 8, size: 64 }),
    ],
    [
      'a stored deflate block that overflows',
      'TIO_BAD_ZIP',
      archive({ data: new Uint8Array([1, 4, 0, 251, 255, 1, 2, 3, 4]), method: 8, size: 1 }),
    ],
    ['an entry that is no array', 'TIO_BAD_NPY', archive({ data: new TextEncoder().encode('hello, world') })],
  ];

  it.each(cases)('with %s are refused by %s', (_, code, bytes) => {
    expect(codeOf(() => parseNpz(bytes))).toBe(code);
  });

  it('that would inflate to more than 2 GiB are refused before anything is inflated', () => {
    const size = 2 ** 30;
    const data = new Uint8Array(Math.ceil(size / 1000));
    const parts = ['a', 'b', 'c'].map((name) => ({ name, data, method: 8, size }));
    expect(3 * size).toBeGreaterThan(MAX_INFLATED_BYTES);
    expect(codeOf(() => parseNpz(zipFile(parts)))).toBe('TIO_TOO_LARGE');
  });
});
