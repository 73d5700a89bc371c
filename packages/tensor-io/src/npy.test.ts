import { describe, expect, it } from 'vitest';
import { codeOf } from '../test/code-of.ts';
import { testBytes } from '../test/files.ts';
import { DTYPES } from './dtype.ts';
import type { TensorIoErrorCode } from './errors.ts';
import { parseNpy, serializeNpy } from './npy.ts';
import { tensorData, toFloat64 } from './tensor.ts';

/** An npy file of a header text and data bytes. */
function npy(
  header: string,
  data = 0,
  version: readonly [number, number] = [1, 0],
  length = header.length,
): Uint8Array {
  const sizes =
    version[0] === 1
      ? [length & 255, length >>> 8]
      : [length & 255, (length >>> 8) & 255, (length >>> 16) & 255, length >>> 24];
  const head = [
    0x93,
    ...new TextEncoder().encode('NUMPY'),
    ...version,
    ...sizes,
    ...new TextEncoder().encode(header),
  ];
  return new Uint8Array([...head, ...new Array(data).fill(0)]);
}

const header = (descr: string, shape: string, order = 'False') =>
  `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }`;
const values = (file: string) => Array.from(toFloat64(parseNpy(testBytes(file))));
const halves = Array.from({ length: 24 }, (_, i) => i / 2);

describe('npy files that NumPy wrote', () => {
  it('are read in C order, whatever their order and byte order', () => {
    for (const file of ['c_order.npy', 'fortran_order.npy', 'big_endian.npy']) {
      const { shape, dtype } = parseNpy(testBytes(file));
      expect([file, dtype, shape]).toEqual([file, file === 'big_endian.npy' ? 'F64' : 'F32', [2, 3, 4]]);
      expect(values(file), file).toEqual(halves);
    }
    expect(parseNpy(testBytes('scalar.npy'))).toEqual(tensorData('I64', [], [-7n]));
    expect(parseNpy(testBytes('empty.npy'))).toEqual(tensorData('I16', [0, 3], []));
  });

  it('are read in format 1.0, 2.0 and 3.0', () => {
    expect([values('version2.npy'), values('version3.npy')]).toEqual([
      halves.slice(0, 12),
      halves.slice(0, 12),
    ]);
  });

  it('are refused when they hold objects or structures', () => {
    expect(codeOf(() => parseNpy(testBytes('object.npy')))).toBe('TIO_OBJECT_ARRAY');
    expect(codeOf(() => parseNpy(testBytes('structured.npy')))).toBe('TIO_OBJECT_ARRAY');
  });

  it('are refused when cut off at any byte', () => {
    const file = testBytes('c_order.npy');
    for (let length = 0; length < file.length; length++) {
      const code = codeOf(() => parseNpy(file.slice(0, length)));
      expect(code, `${length} bytes`).toBe(length < 10 ? 'TIO_BAD_NPY' : 'TIO_TRUNCATED');
    }
  });

  it('are read whole or refused with a code when any bit of the header flips', () => {
    const file = testBytes('fortran_order.npy');
    const codes = new Set<string | undefined>();
    for (let bit = 0; bit < 128 * 8; bit++) {
      const flipped = file.slice();
      flipped[bit >>> 3]! ^= 1 << (bit & 7);
      codes.add(codeOf(() => parseNpy(flipped)));
    }
    expect(codes.size).toBeGreaterThan(5);
  });
});

describe('malformed npy files', () => {
  const cases: [string, TensorIoErrorCode, Uint8Array][] = [
    ['nothing', 'TIO_BAD_NPY', new Uint8Array()],
    ['another magic', 'TIO_BAD_NPY', new TextEncoder().encode('\u0093NUMPX\x01\x00\x00\x00')],
    ['version 0.0', 'TIO_BAD_NPY', npy(header("'<f4'", '(1,)'), 4, [0, 0])],
    ['version 4.0', 'TIO_BAD_NPY', npy(header("'<f4'", '(1,)'), 4, [4, 0])],
    ['version 1.1', 'TIO_BAD_NPY', npy(header("'<f4'", '(1,)'), 4, [1, 1])],
    ['header longer than the file', 'TIO_TRUNCATED', npy('{}', 0, [1, 0], 60_000)],
    ['header of 4 GiB', 'TIO_HEADER_TOO_LARGE', npy('{}', 0, [2, 0], 0xffffffff)],
    ['header of 65,536 bytes', 'TIO_HEADER_TOO_LARGE', npy('{}', 0, [3, 0], 65_536)],
    ['version 2 cut in its length', 'TIO_TRUNCATED', npy('{}', 0, [2, 0], 0).slice(0, 10)],
    ['empty header', 'TIO_BAD_NPY', npy('')],
    ['no dict', 'TIO_BAD_NPY', npy('[1]')],
    ['empty dict', 'TIO_BAD_NPY', npy('{}')],
    ['unclosed dict', 'TIO_BAD_NPY', npy("{'descr': '<f4',")],
    ['code in place of a dict', 'TIO_BAD_NPY', npy("__import__('os').system('true')")],
    ['code as a value', 'TIO_BAD_NPY', npy("{'descr': open('x'), 'fortran_order': False, 'shape': (1,)}", 4)],
    ['text after the dict', 'TIO_BAD_NPY', npy(`${header("'<f4'", '(1,)')} + {}`, 4)],
    ['missing shape', 'TIO_BAD_NPY', npy("{'descr': '<f4', 'fortran_order': False}", 4)],
    [
      'unknown key',
      'TIO_BAD_NPY',
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 'y'}", 4),
    ],
    [
      'duplicate key',
      'TIO_DUPLICATE_NAME',
      npy("{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (1,)}", 4),
    ],
    ['key without quotes', 'TIO_BAD_NPY', npy("{descr: '<f4'}")],
    ['key that is a number', 'TIO_BAD_NPY', npy('{1: True}')],
    ['missing colon', 'TIO_BAD_NPY', npy("{'descr' '<f4'}")],
    ['missing comma', 'TIO_BAD_NPY', npy("{'descr': '<f4' 'fortran_order': False}")],
    ['descr a number', 'TIO_BAD_NPY', npy(header('4', '(1,)'), 4)],
    ['fortran_order a string', 'TIO_BAD_NPY', npy(header("'<f4'", '(1,)', "'False'"), 4)],
    ['shape a number', 'TIO_BAD_NPY', npy(header("'<f4'", '1'), 4)],
    ['shape a list', 'TIO_OBJECT_ARRAY', npy(header("'<f4'", '[1]'), 4)],
    ['negative dimension', 'TIO_BAD_NPY', npy(header("'<f4'", '(-1,)'), 4)],
    ['fractional dimension', 'TIO_BAD_NPY', npy(header("'<f4'", '(1.0,)'), 4)],
    ['dimension of text', 'TIO_BAD_NPY', npy(header("'<f4'", "('1',)"), 4)],
    ['dimension beyond 2^53', 'TIO_OVERFLOW', npy(header("'<f4'", '(9007199254740992,)'), 4)],
    ['product 2^64', 'TIO_OVERFLOW', npy(header("'<f4'", '(4294967296, 4294967296)'))],
    ['a terabyte that is not there', 'TIO_TRUNCATED', npy(header("'<f4'", '(274877906944,)'), 4, [1, 0])],
    ['data cut off', 'TIO_TRUNCATED', npy(header("'<f4'", '(2,)'), 7)],
    ['trailing byte', 'TIO_TRAILING_BYTES', npy(header("'<f4'", '(2,)'), 9)],
    ['object dtype', 'TIO_OBJECT_ARRAY', npy(header("'|O'", '(1,)'), 8)],
    ['object dtype with a size', 'TIO_OBJECT_ARRAY', npy(header("'|O8'", '(1,)'), 8)],
    ['complex dtype', 'TIO_UNKNOWN_DTYPE', npy(header("'<c8'", '(1,)'), 8)],
    ['text dtype', 'TIO_UNKNOWN_DTYPE', npy(header("'<U4'", '(1,)'), 16)],
    ['time dtype', 'TIO_UNKNOWN_DTYPE', npy(header("'<M8[ns]'", '(1,)'), 8)],
    ['unsigned 16-bit dtype', 'TIO_UNKNOWN_DTYPE', npy(header("'<u2'", '(1,)'), 2)],
    ['void dtype', 'TIO_UNKNOWN_DTYPE', npy(header("'|V4'", '(1,)'), 4)],
    ['no byte order', 'TIO_UNKNOWN_DTYPE', npy(header("'f4'", '(1,)'), 4)],
    ['no byte order where it matters', 'TIO_UNKNOWN_DTYPE', npy(header("'|f4'", '(1,)'), 4)],
    ['empty descr', 'TIO_UNKNOWN_DTYPE', npy(header("''", '(1,)'), 4)],
    ['descr __proto__', 'TIO_UNKNOWN_DTYPE', npy(header("'<__proto__'", '(1,)'), 4)],
  ];

  it.each(cases)('with %s are refused by %s', (_, code, bytes) => {
    expect(codeOf(() => parseNpy(bytes))).toBe(code);
  });

  it('cost no time for thousands of axes', () => {
    const shape = `(${'1, '.repeat(15_000)}100, 100)`;
    expect(parseNpy(npy(header("'|u1'", shape, 'True'), 10_000)).shape).toHaveLength(15_002);
  });
});

describe('serializeNpy', () => {
  it('gives every dtype that NumPy has back', () => {
    for (const dtype of DTYPES.filter((name) => name !== 'BF16')) {
      for (const shape of [[], [2], [2, 1], [0, 3]]) {
        const count = shape.reduce((product, size) => product * size, 1);
        const tensor = tensorData(dtype, shape, new Array(count).fill(1));
        const file = serializeNpy(tensor);
        expect(parseNpy(file)).toEqual(tensor);
        expect((file.length - tensor.bytes.length) % 64).toBe(0);
      }
    }
    expect(codeOf(() => serializeNpy(tensorData('BF16', [1], [1])))).toBe('TIO_UNKNOWN_DTYPE');
    expect(codeOf(() => serializeNpy(tensorData('U8', new Array(30_000).fill(1), [1])))).toBe(
      'TIO_HEADER_TOO_LARGE',
    );
  });

  it('reads Python 2 sizes', () => {
    expect(parseNpy(npy(header('"<f4"', '(2L, 1L)'), 8)).shape).toEqual([2, 1]);
  });
});
