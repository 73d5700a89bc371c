import type { TensorIoErrorCode } from '../src/errors.ts';

/** A damaged or hostile file and the code it must be refused with. */
export interface Malformed {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly code: TensorIoErrorCode;
}

/** A safetensors file of a header and as many zero bytes of data, or these bytes; `length` overrides the true header length. */
export function safetensorsFile(
  header: string | Uint8Array,
  data: number | Uint8Array = 0,
  length?: bigint,
): Uint8Array {
  const json = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const body = typeof data === 'number' ? new Uint8Array(data) : data;
  const file = new Uint8Array(8 + json.length + body.length);
  new DataView(file.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  file.set(json, 8);
  file.set(body, 8 + json.length);
  return file;
}

/** The JSON of a tensor's entry; each part is raw JSON. */
function entry(dtype: string, shape: string, offsets: string): string {
  return `{"dtype":${dtype},"shape":${shape},"data_offsets":${offsets}}`;
}

const f32 = (shape: string, offsets: string) => entry('"F32"', shape, offsets);
const ok = f32('[1]', '[0,4]');
const one = (tensor: string) => `{"a":${tensor}}`;
const bytes = (...values: number[]) => new Uint8Array(values);

type Row = readonly [name: string, code: TensorIoErrorCode, bytes: Uint8Array];

const lengths: Row[] = [
  ['empty file', 'TIO_TRUNCATED', bytes()],
  ['one byte', 'TIO_TRUNCATED', bytes(8)],
  ['seven bytes', 'TIO_TRUNCATED', bytes(2, 0, 0, 0, 0, 0, 0)],
  ['length only', 'TIO_TRUNCATED', bytes(2, 0, 0, 0, 0, 0, 0, 0)],
  ['header of no bytes', 'TIO_HEADER_START', safetensorsFile('')],
  ['header of no bytes before data', 'TIO_HEADER_START', safetensorsFile('', 16)],
  ['header one byte longer than the file', 'TIO_TRUNCATED', safetensorsFile('{}', 0, 3n)],
  ['header one byte shorter than its JSON', 'TIO_BAD_JSON', safetensorsFile('{}', 0, 1n)],
  ['header length at the cap', 'TIO_TRUNCATED', safetensorsFile('{}', 0, 100_000_000n)],
  ...[
    100_000_001n,
    2n ** 31n - 1n,
    2n ** 31n,
    2n ** 32n,
    2n ** 32n + 2n,
    2n ** 53n - 1n,
    2n ** 53n + 1n,
    2n ** 63n,
    2n ** 64n - 8n,
    2n ** 64n - 1n,
  ].map(
    (length): Row => [`header length ${length}`, 'TIO_HEADER_TOO_LARGE', safetensorsFile('{}', 0, length)],
  ),
  ['header length in big-endian order', 'TIO_HEADER_TOO_LARGE', safetensorsFile('{}', 0, 2n << 56n)],
];

const text: Row[] = [
  ['a zip archive', 'TIO_HEADER_TOO_LARGE', bytes(0x50, 0x4b, 3, 4, 20, 0, 0, 0, 8, 0)],
  ['a pickle', 'TIO_HEADER_TOO_LARGE', bytes(0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9)],
  ['plain text', 'TIO_HEADER_TOO_LARGE', new TextEncoder().encode('{"a": "this is only JSON"}')],
  ['array', 'TIO_HEADER_START', safetensorsFile('[]')],
  ['string', 'TIO_HEADER_START', safetensorsFile('"{}"')],
  ['number', 'TIO_HEADER_START', safetensorsFile('12')],
  ['null', 'TIO_HEADER_START', safetensorsFile('null')],
  ['leading space', 'TIO_HEADER_START', safetensorsFile(' {}')],
  ['leading line feed', 'TIO_HEADER_START', safetensorsFile('\n{}')],
  ['byte order mark', 'TIO_HEADER_START', safetensorsFile('\ufeff{}')],
  ['unclosed object', 'TIO_BAD_JSON', safetensorsFile('{')],
  ['unclosed string', 'TIO_BAD_JSON', safetensorsFile('{"a')],
  ['unclosed entry', 'TIO_BAD_JSON', safetensorsFile('{"a":{"dtype":"F32"')],
  ['two documents', 'TIO_BAD_JSON', safetensorsFile('{}{}')],
  ['text after the object', 'TIO_BAD_JSON', safetensorsFile('{} x')],
  ['zero byte after the object', 'TIO_BAD_JSON', safetensorsFile('{}\0')],
  ['form feed as white space', 'TIO_BAD_JSON', safetensorsFile('{\f}')],
  ['no-break space', 'TIO_BAD_JSON', safetensorsFile('{\u00a0}')],
  ['single quotes', 'TIO_BAD_JSON', safetensorsFile("{'a':1}")],
  ['name without quotes', 'TIO_BAD_JSON', safetensorsFile('{a:1}')],
  ['trailing comma', 'TIO_BAD_JSON', safetensorsFile(`{"a":${ok},}`, 4)],
  ['trailing comma in shape', 'TIO_BAD_JSON', safetensorsFile(one(f32('[1,]', '[0,4]')), 4)],
  ['missing colon', 'TIO_BAD_JSON', safetensorsFile(`{"a" ${ok}}`, 4)],
  ['missing comma', 'TIO_BAD_JSON', safetensorsFile(`{"a":${ok} "b":${ok}}`, 4)],
  ['missing value', 'TIO_BAD_JSON', safetensorsFile('{"a":}')],
  ['brackets that do not match', 'TIO_BAD_JSON', safetensorsFile('{"a":[}]')],
  ['comment', 'TIO_BAD_JSON', safetensorsFile('{/**/}')],
  ['NaN', 'TIO_BAD_JSON', safetensorsFile('{"a":NaN}')],
  ['misspelt true', 'TIO_BAD_JSON', safetensorsFile('{"a":tru}')],
  ['misspelt false', 'TIO_BAD_JSON', safetensorsFile('{"a":fals}')],
  ['misspelt null', 'TIO_BAD_JSON', safetensorsFile('{"a":nul}')],
  ['leading zero', 'TIO_BAD_JSON', safetensorsFile(one(f32('[01]', '[0,4]')), 4)],
  ['plus sign', 'TIO_BAD_JSON', safetensorsFile(one(f32('[+1]', '[0,4]')), 4)],
  ['hexadecimal number', 'TIO_BAD_JSON', safetensorsFile(one(f32('[0x1]', '[0,4]')), 4)],
  ['bare minus', 'TIO_BAD_JSON', safetensorsFile(one(f32('[-]', '[0,4]')), 4)],
  ['control character in a name', 'TIO_BAD_JSON', safetensorsFile(`{"a\n":${ok}}`, 4)],
  ['zero byte in a name', 'TIO_BAD_JSON', safetensorsFile(`{"a\0":${ok}}`, 4)],
  ['unknown escape', 'TIO_BAD_JSON', safetensorsFile(`{"\\x41":${ok}}`, 4)],
  ['escape at the end', 'TIO_BAD_JSON', safetensorsFile('{"\\')],
  ['cut Unicode escape', 'TIO_BAD_JSON', safetensorsFile(`{"\\u00e":${ok}}`, 4)],
  ['Unicode escape with a sign', 'TIO_BAD_JSON', safetensorsFile(`{"\\u+041":${ok}}`, 4)],
  ['lone high surrogate', 'TIO_BAD_JSON', safetensorsFile(`{"\\ud83d":${ok}}`, 4)],
  ['lone low surrogate', 'TIO_BAD_JSON', safetensorsFile(`{"\\ude00":${ok}}`, 4)],
  ['surrogates in the wrong order', 'TIO_BAD_JSON', safetensorsFile(`{"\\ude00\\ud83d":${ok}}`, 4)],
  ['not UTF-8: lone continuation byte', 'TIO_NOT_UTF8', safetensorsFile(bytes(0x7b, 0x22, 0x80, 0x22))],
  ['not UTF-8: cut sequence', 'TIO_NOT_UTF8', safetensorsFile(bytes(0x7b, 0x22, 0xe2, 0x82))],
  ['not UTF-8: overlong slash', 'TIO_NOT_UTF8', safetensorsFile(bytes(0x7b, 0x22, 0xc0, 0xaf, 0x22))],
  [
    'not UTF-8: encoded surrogate',
    'TIO_NOT_UTF8',
    safetensorsFile(bytes(0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22)),
  ],
  ['not UTF-8: above U+10FFFF', 'TIO_NOT_UTF8', safetensorsFile(bytes(0x7b, 0x22, 0xf4, 0x90, 0x80, 0x80))],
  ['UTF-16', 'TIO_BAD_JSON', safetensorsFile(bytes(0x7b, 0, 0x7d, 0))],
  ['10,000 nested objects', 'TIO_TOO_DEEP', safetensorsFile('{"a":'.repeat(10_000))],
  ['10,000 nested arrays', 'TIO_TOO_DEEP', safetensorsFile(`{"a":${'['.repeat(10_000)}`)],
];

const names: Row[] = [
  ['duplicate name', 'TIO_DUPLICATE_NAME', safetensorsFile(`{"a":${ok},"a":${ok}}`, 4)],
  ['duplicate name by escape', 'TIO_DUPLICATE_NAME', safetensorsFile(`{"a":${ok},"\\u0061":${ok}}`, 4)],
  ['duplicate __proto__', 'TIO_DUPLICATE_NAME', safetensorsFile(`{"__proto__":${ok},"__proto__":${ok}}`, 4)],
  ['duplicate empty name', 'TIO_DUPLICATE_NAME', safetensorsFile(`{"":${ok},"":${ok}}`, 4)],
  ['duplicate __metadata__', 'TIO_DUPLICATE_NAME', safetensorsFile('{"__metadata__":{},"__metadata__":{}}')],
  ['duplicate metadata key', 'TIO_DUPLICATE_NAME', safetensorsFile('{"__metadata__":{"k":"1","k":"2"}}')],
  [
    'duplicate dtype',
    'TIO_DUPLICATE_NAME',
    safetensorsFile('{"a":{"dtype":"U8","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4),
  ],
  [
    'duplicate shape',
    'TIO_DUPLICATE_NAME',
    safetensorsFile('{"a":{"dtype":"F32","shape":[2],"shape":[1],"data_offsets":[0,4]}}', 4),
  ],
  [
    'duplicate data_offsets',
    'TIO_DUPLICATE_NAME',
    safetensorsFile('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8],"data_offsets":[0,4]}}', 4),
  ],
];

const metadata: Row[] = [
  ...['null', '[]', '"x"', '1', 'true'].map(
    (value): Row => [`metadata ${value}`, 'TIO_BAD_METADATA', safetensorsFile(`{"__metadata__":${value}}`)],
  ),
  ...['1', 'null', 'true', '{}', '["x"]', '1e400'].map(
    (value): Row => [
      `metadata value ${value}`,
      'TIO_BAD_METADATA',
      safetensorsFile(`{"__metadata__":{"k":${value}}}`),
    ],
  ),
  ['metadata shaped like a tensor', 'TIO_BAD_METADATA', safetensorsFile(`{"__metadata__":${ok}}`, 4)],
];

const entries: Row[] = [
  ...['null', '1', '"F32"', '[]', 'true'].map(
    (value): Row => [`entry ${value}`, 'TIO_BAD_ENTRY', safetensorsFile(one(value), 4)],
  ),
  ['entry without fields', 'TIO_BAD_ENTRY', safetensorsFile(one('{}'), 4)],
  ['entry without dtype', 'TIO_BAD_ENTRY', safetensorsFile(one('{"shape":[1],"data_offsets":[0,4]}'), 4)],
  ['entry without shape', 'TIO_BAD_ENTRY', safetensorsFile(one('{"dtype":"F32","data_offsets":[0,4]}'), 4)],
  ['entry without data_offsets', 'TIO_BAD_ENTRY', safetensorsFile(one('{"dtype":"F32","shape":[1]}'), 4)],
  [
    'entry with a field too many',
    'TIO_BAD_ENTRY',
    safetensorsFile('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"__proto__":{"x":1}}}', 4),
  ],
  [
    'entry with other capitals',
    'TIO_BAD_ENTRY',
    safetensorsFile(one('{"Dtype":"F32","shape":[1],"data_offsets":[0,4]}'), 4),
  ],
  ...['null', '32', '["F32"]', '{"name":"F32"}', 'true'].map(
    (value): Row => [
      `dtype ${value}`,
      'TIO_BAD_ENTRY',
      safetensorsFile(one(entry(value, '[1]', '[0,4]')), 4),
    ],
  ),
  ...['f32', '', 'F128', 'float32', 'O', 'F32 ', 'C64', '__proto__', 'constructor', 'toString'].map(
    (value): Row => [
      `dtype called "${value}"`,
      'TIO_UNKNOWN_DTYPE',
      safetensorsFile(one(entry(`"${value}"`, '[1]', '[0,4]')), 4),
    ],
  ),
  ...['null', '1', '"1"', '{"0":1}', 'true'].map(
    (value): Row => [`shape ${value}`, 'TIO_BAD_ENTRY', safetensorsFile(one(f32(value, '[0,4]')), 4)],
  ),
  ...['-1', '-0', '1.0', '1.5', '1e0', '1e400', '"1"', 'null', 'true', '[1]', '{}'].map(
    (value): Row => [
      `dimension ${value}`,
      'TIO_BAD_SHAPE',
      safetensorsFile(one(f32(`[${value}]`, '[0,4]')), 4),
    ],
  ),
  ['dimension 2^53', 'TIO_OVERFLOW', safetensorsFile(one(f32('[9007199254740992]', '[0,4]')), 4)],
  [
    'dimension 2^64 + 1, which wraps to 1',
    'TIO_OVERFLOW',
    safetensorsFile(one(f32('[18446744073709551617]', '[0,4]')), 4),
  ],
  [
    'dimension of 400 digits',
    'TIO_BAD_SHAPE',
    safetensorsFile(one(f32(`[1${'0'.repeat(400)}]`, '[0,4]')), 4),
  ],
  [
    'product 2^64, which wraps to 0',
    'TIO_OVERFLOW',
    safetensorsFile(one(f32('[4294967296,4294967296]', '[0,0]'))),
  ],
  [
    'product overflows before a 0',
    'TIO_OVERFLOW',
    safetensorsFile(one(f32('[4294967296,4294967296,4294967296,0]', '[0,0]'))),
  ],
  [
    'bytes overflow, elements do not',
    'TIO_OVERFLOW',
    safetensorsFile(one(f32('[9007199254740991]', '[0,4]')), 4),
  ],
];

const offsets: Row[] = [
  ...['null', '4', '"0,4"', '{"begin":0,"end":4}', 'true'].map(
    (value): Row => [`data_offsets ${value}`, 'TIO_BAD_ENTRY', safetensorsFile(one(f32('[1]', value)), 4)],
  ),
  ...[
    '[]',
    '[0]',
    '[4]',
    '[0,4,4]',
    '[0,4,8,12]',
    '[-4,0]',
    '[-0,4]',
    '[0,-4]',
    '[0.0,4.0]',
    '[0,4e0]',
    '["0","4"]',
    '[null,4]',
    '[[0,4]]',
    '[4,0]',
    '[0,1e400]',
  ].map(
    (value): Row => [`data_offsets ${value}`, 'TIO_BAD_OFFSETS', safetensorsFile(one(f32('[1]', value)), 4)],
  ),
  [
    'data_offsets beyond 2^53',
    'TIO_OVERFLOW',
    safetensorsFile(one(f32('[1]', '[9007199254740992,9007199254740996]')), 4),
  ],
  [
    'data_offsets that wrap at 2^64',
    'TIO_OVERFLOW',
    safetensorsFile(one(f32('[1]', '[18446744073709551612,18446744073709551616]')), 4),
  ],
  ['span shorter than the tensor', 'TIO_SIZE_MISMATCH', safetensorsFile(one(f32('[2]', '[0,4]')), 4)],
  ['span longer than the tensor', 'TIO_SIZE_MISMATCH', safetensorsFile(one(f32('[1]', '[0,8]')), 8)],
  ['bytes for an empty tensor', 'TIO_SIZE_MISMATCH', safetensorsFile(one(f32('[0]', '[0,4]')), 4)],
  ['no bytes for a scalar', 'TIO_SIZE_MISMATCH', safetensorsFile(one(f32('[]', '[0,0]')))],
  ['span of another dtype', 'TIO_SIZE_MISMATCH', safetensorsFile(one(entry('"F64"', '[1]', '[0,4]')), 4)],
  ['odd span', 'TIO_SIZE_MISMATCH', safetensorsFile(one(entry('"F16"', '[1]', '[0,3]')), 3)],
  ['hole at the start', 'TIO_HOLE', safetensorsFile(one(f32('[1]', '[4,8]')), 8)],
  ['hole of one byte', 'TIO_HOLE', safetensorsFile(`{"a":${ok},"b":${f32('[1]', '[5,9]')}}`, 9)],
  ['hole before an empty tensor', 'TIO_HOLE', safetensorsFile(`{"a":${ok},"b":${f32('[0]', '[8,8]')}}`, 8)],
  ['offsets from the start of the file', 'TIO_HOLE', safetensorsFile(one(f32('[1]', '[64,68]')), 4)],
  ['overlap of one byte', 'TIO_OVERLAP', safetensorsFile(`{"a":${ok},"b":${f32('[1]', '[3,7]')}}`, 7)],
  [
    'one tensor inside another',
    'TIO_OVERLAP',
    safetensorsFile(`{"a":${f32('[4]', '[0,16]')},"b":${f32('[1]', '[4,8]')}}`, 16),
  ],
  ['two tensors in one place', 'TIO_OVERLAP', safetensorsFile(`{"a":${ok},"b":${ok}}`, 4)],
  [
    'an empty tensor inside another',
    'TIO_OVERLAP',
    safetensorsFile(`{"a":${f32('[2]', '[0,8]')},"b":${f32('[0]', '[4,4]')}}`, 8),
  ],
  ['data cut by one byte', 'TIO_TRUNCATED', safetensorsFile(one(ok), 3)],
  ['no data', 'TIO_TRUNCATED', safetensorsFile(one(ok))],
  ['last tensor past the end', 'TIO_TRUNCATED', safetensorsFile(`{"a":${ok},"b":${f32('[1]', '[4,8]')}}`, 4)],
  [
    'a terabyte that is not there',
    'TIO_TRUNCATED',
    safetensorsFile(one(f32('[274877906944]', '[0,1099511627776]')), 4),
  ],
  ['one trailing byte', 'TIO_TRAILING_BYTES', safetensorsFile(one(ok), 5)],
  ['trailing byte without tensors', 'TIO_TRAILING_BYTES', safetensorsFile('{}', 1)],
  [
    'trailing zip archive',
    'TIO_TRAILING_BYTES',
    safetensorsFile(one(ok), bytes(0, 0, 0, 0, 0x50, 0x4b, 5, 6)),
  ],
  [
    'trailing zip archive without tensors',
    'TIO_TRAILING_BYTES',
    safetensorsFile('{}', bytes(0x50, 0x4b, 5, 6)),
  ],
];

/** Every safetensors file that must be refused. */
export const MALFORMED_SAFETENSORS: readonly Malformed[] = [
  ...lengths,
  ...text,
  ...names,
  ...metadata,
  ...entries,
  ...offsets,
].map(([name, code, file]) => ({ name, code, bytes: file }));

/** Odd files that are valid, with the names they hold. */
export const ODD_SAFETENSORS: readonly {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly names: string[];
}[] = [
  { name: 'no tensors', bytes: safetensorsFile('{}'), names: [] },
  { name: 'empty metadata', bytes: safetensorsFile('{"__metadata__":{}}'), names: [] },
  { name: 'padding of spaces', bytes: safetensorsFile(`${one(ok)}       `, 4), names: ['a'] },
  { name: 'white space everywhere', bytes: safetensorsFile(`{ "a"\t:\r\n${ok} }\n`, 4), names: ['a'] },
  {
    name: 'header order unlike data order',
    bytes: safetensorsFile(`{"b":${f32('[1]', '[4,8]')},"a":${ok}}`, 8),
    names: ['a', 'b'],
  },
  {
    name: 'fields in another order',
    bytes: safetensorsFile('{"a":{"data_offsets":[0,4],"shape":[1],"dtype":"F32"}}', 4),
    names: ['a'],
  },
  { name: 'unaligned data', bytes: safetensorsFile(`${one(ok)} `, 4), names: ['a'] },
  { name: 'scalar', bytes: safetensorsFile(one(f32('[]', '[0,4]')), 4), names: ['a'] },
  { name: 'empty tensor', bytes: safetensorsFile(one(f32('[3,0]', '[0,0]'))), names: ['a'] },
  {
    name: '0 before a product that would overflow',
    bytes: safetensorsFile(one(f32('[0,4294967296,4294967296]', '[0,0]'))),
    names: ['a'],
  },
  {
    name: 'empty tensors between others',
    bytes: safetensorsFile(
      `{"a":${ok},"z":${f32('[0]', '[4,4]')},"y":${f32('[0]', '[4,4]')},"b":${f32('[1]', '[4,8]')}}`,
      8,
    ),
    names: ['a', 'z', 'y', 'b'],
  },
  { name: 'rank 33', bytes: safetensorsFile(one(f32(`[${Array(33).fill(1)}]`, '[0,4]')), 4), names: ['a'] },
  { name: 'empty name', bytes: safetensorsFile(`{"":${ok}}`, 4), names: [''] },
  { name: 'escaped zero byte in a name', bytes: safetensorsFile(`{"a\\u0000b":${ok}}`, 4), names: ['a\0b'] },
  {
    name: 'surrogate pair by escapes',
    bytes: safetensorsFile(`{"\\ud83d\\ude00":${ok}}`, 4),
    names: ['\u{1f600}'],
  },
  {
    name: 'every escape',
    bytes: safetensorsFile(`{"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00E9":${ok}}`, 4),
    names: ['"\\/\b\f\n\r\té'],
  },
  ...['__proto__', 'constructor', 'toString', '../x', '/etc/passwd', 'C:\\x', '%2e%2e'].map((name) => ({
    name: `tensor called ${name}`,
    bytes: safetensorsFile(`{${JSON.stringify(name)}:${ok}}`, 4),
    names: [name],
  })),
];
