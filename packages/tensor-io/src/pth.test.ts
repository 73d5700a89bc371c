import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../test/code-of.ts';
import { testBytes } from '../test/files.ts';
import { bytesOf, dictOf, pthFile, storage, str, tensor, tuple } from '../test/pickle-bytes.ts';
import { zipFile } from '../test/zip-file.ts';
import type { TensorIoErrorCode } from './errors.ts';
import { parsePth } from './pth.ts';
import type { TensorData } from './state.ts';
import { tensorData, toFloat64 } from './tensor.ts';

const read = (file: string, key?: string) => parsePth(testBytes(file), { source: file, ...(key && { key }) });
const numbers = (tensor: TensorData | undefined) => Array.from(toFloat64(tensor!));
const halves = (count: number) => Array.from({ length: count }, (_, i) => i / 2);

describe('files that PyTorch wrote', () => {
  it('give the state dict of a module, in its order', () => {
    const { state, key } = read('state_dict.pth');
    expect(key).toBeUndefined();
    expect([...state].map(([name, { dtype, shape }]) => [name, dtype, shape])).toEqual([
      ['0.weight', 'F32', [2, 3]],
      ['0.bias', 'F32', [2]],
      ['1.weight', 'F32', [2]],
      ['1.bias', 'F32', [2]],
      ['1.running_mean', 'F32', [2]],
      ['1.running_var', 'F32', [2]],
      ['1.num_batches_tracked', 'I64', []],
    ]);
    expect(numbers(state.get('0.weight'))).toEqual(halves(6));
    expect(numbers(state.get('1.num_batches_tracked'))).toEqual([0]);
  });

  it('give the model of a checkpoint, and all the rest as plain values', () => {
    const { state, key, value } = read('checkpoint.pth');
    expect(key).toBe('model');
    expect([...state.keys()]).toEqual(['weight', 'bias']);
    const file = value as ReadonlyMap<string, unknown>;
    expect([...file].filter(([name]) => name !== 'model' && name !== 'optimizer')).toEqual([
      ['epoch', 7],
      ['best', 0.75],
      ['name', 'tiny'],
      ['done', false],
      ['nothing', null],
      ['history', [1, 2.5, [3, 'four']]],
      ['big', 2n ** 70n],
      ['shape', [2, 3]],
      ['device', 'cpu'],
      ['dtype', 'torch.float16'],
    ]);
    const moments = read('checkpoint.pth', 'optimizer').state;
    expect([...moments.keys()]).toEqual(['state.0.momentum_buffer', 'state.1.momentum_buffer']);
    expect(numbers(moments.get('state.1.momentum_buffer'))).toEqual([1, 1]);
  });

  it('give views in C order: transposed, strided, expanded, with an offset, empty', () => {
    const { state } = read('views.pth');
    const base = halves(24);
    expect(numbers(state.get('base'))).toEqual(base);
    const transposed = Array.from({ length: 24 }, (_, i) => base[(i % 4) * 6 + Math.floor(i / 4)]);
    expect([state.get('transposed')!.shape, numbers(state.get('transposed'))]).toEqual([[6, 4], transposed]);
    expect([state.get('strided')!.shape, numbers(state.get('strided'))]).toEqual([
      [2, 2],
      [3, 4.5, 9, 10.5],
    ]);
    expect([state.get('expanded')!.shape, numbers(state.get('expanded'))]).toEqual([
      [3, 1],
      [0, 0, 0],
    ]);
    expect(numbers(state.get('row'))).toEqual(base.slice(12, 18));
    expect([state.get('scalar')!.shape, numbers(state.get('scalar'))]).toEqual([[], [11.5]]);
    expect([state.get('empty')!.shape, numbers(state.get('empty'))]).toEqual([[0, 6], []]);
  });

  it('keep sharing one storage: contiguous tensors are views of the file', () => {
    const bytes = testBytes('views.pth');
    const { state } = parsePth(bytes);
    for (const name of ['base', 'row', 'scalar']) expect(state.get(name)!.bytes.buffer).toBe(bytes.buffer);
  });

  it('give every dtype', () => {
    const { state } = read('dtypes.pth');
    expect([...state].map(([name, { dtype }]) => [name, dtype])).toEqual([
      ['float64', 'F64'],
      ['float32', 'F32'],
      ['float16', 'F16'],
      ['bfloat16', 'BF16'],
      ['int64', 'I64'],
      ['int32', 'I32'],
      ['int16', 'I16'],
      ['int8', 'I8'],
      ['uint8', 'U8'],
      ['bool', 'BOOL'],
    ]);
    for (const [name, tensor] of state) {
      const expected = /float/.test(name) ? [0, 0.5, 1] : name === 'bool' ? [0, 1, 0] : [0, 1, 2];
      expect(numbers(tensor), name).toEqual(expected);
    }
  });

  it('give parameters, lone tensors, lists and pickles of protocol 4', () => {
    expect([...read('parameters.pth').state.keys()]).toEqual(['weight', 'frozen']);
    expect(read('tensor.pth').state).toEqual(new Map([['tensor', tensorData('F32', [2, 2], halves(4))]]));
    expect([...read('list.pth').state.keys()]).toEqual(['0', '1']);
    expect(numbers(read('protocol4.pth').state.get('weight'))).toEqual([0, 0.5]);
  });

  it('are refused with the reason when they are of the old format or hold complex numbers', () => {
    expect(() => read('legacy.pth')).toThrow('legacy.pth: a bare pickle, as PyTorch before 1.6 saved');
    expect(codeOf(() => read('legacy.pth'))).toBe('TIO_OLD_PTH');
    expect(() => read('complex.pth')).toThrow('"torch.ComplexFloatStorage"');
  });

  it('are refused when cut off at any byte', () => {
    const file = testBytes('tensor.pth');
    for (let length = 1; length < file.length; length++) {
      expect(
        codeOf(() => parsePth(file.slice(0, length))),
        `${length} bytes`,
      ).toBe('TIO_BAD_ZIP');
    }
  });

  it('are read or refused with a code when any bit of the pickle changes', () => {
    const pickle = bytesOf(dictOf(tensor()));
    const codes = new Set<string | undefined>();
    for (let bit = 0; bit < pickle.length * 8; bit++) {
      const flipped = pickle.slice();
      flipped[bit >>> 3]! ^= 1 << (bit & 7);
      codes.add(codeOf(() => parsePth(pthFile(flipped))));
    }
    for (let length = 0; length < pickle.length; length++) {
      expect(codeOf(() => parsePth(pthFile(pickle.slice(0, length))))).toBe('TIO_BAD_PICKLE');
    }
    expect(codes.size).toBeGreaterThan(6);
  });

  it('may be compressed again, and say that they are little-endian', () => {
    const again = zipSync(
      { 'x/data.pkl': bytesOf(dictOf(tensor())), 'x/data/0': new Uint8Array(16) },
      { level: 9 },
    );
    expect(parsePth(again).state).toEqual(new Map([['w', tensorData('F32', [2, 2], [0, 0, 0, 0])]]));
    const little = { name: 'x/byteorder', data: bytesOf('little') };
    expect([...parsePth(pthFile(dictOf(tensor()), [little])).state.keys()]).toEqual(['w']);
    expect(codeOf(() => parsePth(pthFile(dictOf(tensor()), [{ ...little, data: bytesOf('big') }])))).toBe(
      'TIO_BAD_PTH',
    );
  });
});

describe('the state dict of a file', () => {
  const inner = `}${str('w')}${tensor()}s`;
  const dict = (...entries: [string, string][]) =>
    pthFile(`\x80\x02}(${entries.map(([name, value]) => str(name) + value).join('')}u.`);

  it('is the usual entry, else the file itself, else the only entry with tensors', () => {
    expect(parsePth(dict(['rng', tensor()], ['state_dict', inner])).key).toBe('state_dict');
    expect(parsePth(dict(['weight', tensor()], ['module', inner])).key).toBeUndefined();
    expect([...parsePth(dict(['weight', tensor()], ['module', inner])).state.keys()]).toEqual([
      'weight',
      'module.w',
    ]);
    expect(parsePth(dict(['epoch', 'K\x05'], ['weights', inner])).key).toBe('weights');
    expect(parsePth(dict(['a', inner], ['b', inner]), { key: 'b' }).key).toBe('b');
  });

  it('is asked for when it is not clear', () => {
    const message = 'Pass its name as key; the file holds a (holds tensors), b (holds tensors), epoch.';
    const file = dict(['a', inner], ['b', inner], ['epoch', 'K\x05']);
    expect(() => parsePth(file)).toThrow(message);
    for (const key of ['c', 'epoch', '__proto__', 'size'])
      expect(() => parsePth(file, { key })).toThrow(message);
    expect(codeOf(() => parsePth(pthFile('\x80\x02K\x05.')))).toBe('TIO_NO_STATE_DICT');
    expect(codeOf(() => parsePth(pthFile('\x80\x02K\x05.'), { key: 'a' }))).toBe('TIO_NO_STATE_DICT');
    expect(codeOf(() => parsePth(pthFile(`\x80\x02}K\x05${inner}s.`)))).toBe('TIO_NO_STATE_DICT');
    const many = Array.from({ length: 30 }, (_, i): [string, string] => [`k${i}`, 'N']);
    expect(() => parsePth(dict(...many))).toThrow('k18, k19, ....');
  });

  it('is refused when two tensors get one name', () => {
    expect(codeOf(() => parsePth(dict(['a.w', tensor()], ['a', inner])))).toBe('TIO_DUPLICATE_NAME');
  });

  it('keeps a tensor without a name beside one called tensor', () => {
    const { state } = parsePth(dict(['tensor', tensor()], ['', tensor(storage('IntStorage'))], ['x', 'N']));
    expect([...state].map(([name, { dtype }]) => [name, dtype])).toEqual([
      ['tensor', 'F32'],
      ['', 'I32'],
    ]);
    const nested = parsePth(dict(['', inner], ['size', 'N']), { key: '' }).state;
    expect([...nested.keys()]).toEqual([...parsePth(dict(['m', inner])).state.keys()]);
  });

  it('may lie in the OrderedDict of a Python 2 pickle', () => {
    const pairs = pthFile(`\x80\x02ccollections\nOrderedDict\n](${str('w')}${tensor()}\x86e\x85R.`);
    expect([...parsePth(pairs).state.keys()]).toEqual(['w']);
  });
});

describe('hostile pickles', () => {
  const call = (global: string, args = `${str('touch /tmp/owned')}\x85`) => `\x80\x02c${global}${args}R.`;

  it.each([
    ['os.system', call('os\nsystem\n')],
    ['posix.system', call('posix\nsystem\n')],
    ['builtins.eval', call('builtins\neval\n', `${str('1')}\x85`)],
    ['builtins.exec', call('builtins\nexec\n', `${str('1')}\x85`)],
    ['__builtin__.eval', call('__builtin__\neval\n')],
    ['builtins.getattr', call('builtins\ngetattr\n')],
    ['subprocess.Popen', call('subprocess\nPopen\n')],
    ['torch.load', call('torch\nload\n')],
    ['torch.hub.load', call('torch.hub\nload\n')],
    ['torch.jit.load', call('torch.jit\nload\n')],
    ['numpy.load', call('numpy\nload\n')],
    ['torch._utils._rebuild_tensor_v2.__globals__', call('torch._utils\n_rebuild_tensor_v2.__globals__\n')],
    ['constructor.constructor', call('constructor\nconstructor\n')],
    ['__proto__.toString', call('__proto__\ntoString\n')],
    ['argparse.Namespace', call('argparse\nNamespace\n')],
    ['os.system', `\x80\x04${str('os')}${str('system')}\x93${str('true')}\x85R.`],
    ['os.system', dictOf(`cos\nsystem\n${str('true')}\x85R`)],
  ])('that ask for %s are refused by that name', (name, pickle) => {
    expect(() => parsePth(pthFile(pickle))).toThrow(`"${name}"`);
    expect(codeOf(() => parsePth(pthFile(pickle)))).toBe('TIO_PICKLE_GLOBAL');
  });

  const rebuild = 'ctorch._utils\n_rebuild_tensor_v2\n';
  const cases: [string, TensorIoErrorCode, string][] = [
    ['no opcodes', 'TIO_BAD_PICKLE', ''],
    ['no value', 'TIO_BAD_PICKLE', '\x80\x02.'],
    ['a value after the end', 'TIO_TRAILING_BYTES', `${dictOf(tensor())}N`],
    ['protocol 0 text', 'TIO_BAD_PICKLE', "(dp0\nS'w'\nI1\ns."],
    ['protocol 1', 'TIO_BAD_PICKLE', '\x80\x01N.'],
    ['protocol 255', 'TIO_BAD_PICKLE', '\x80\xffN.'],
    ['an unknown opcode', 'TIO_BAD_PICKLE', '\x80\x02\xff.'],
    ['an instance', 'TIO_BAD_PICKLE', '\x80\x02(ios\nsystem\n.'],
    ['an object', 'TIO_BAD_PICKLE', '\x80\x02(cos\no.'.replace('cos\n', 'N')],
    ['a new object', 'TIO_BAD_PICKLE', '\x80\x02ctorch\nSize\n)\x81.'],
    ['a new object with keywords', 'TIO_BAD_PICKLE', '\x80\x04ctorch\nSize\n)}\x92.'],
    ['an extension', 'TIO_BAD_PICKLE', '\x80\x02\x82\x01.'],
    ['bytes', 'TIO_BAD_PICKLE', '\x80\x03C\x01x.'],
    ['a set', 'TIO_BAD_PICKLE', '\x80\x04\x8f.'],
    ['a buffer', 'TIO_BAD_PICKLE', '\x80\x05\x97.'],
    ['a name without an end', 'TIO_BAD_PICKLE', '\x80\x02cos'],
    ['a global called by numbers', 'TIO_BAD_PICKLE', '\x80\x04K\x01K\x02\x93.'],
    ['a call of a number', 'TIO_BAD_PICKLE', '\x80\x02K\x01)R.'],
    ['a call of a storage type', 'TIO_BAD_PICKLE', '\x80\x02ctorch\nFloatStorage\n)R.'],
    ['a call with a dict', 'TIO_BAD_PICKLE', '\x80\x02ctorch\nSize\n}R.'],
    ['a call of nothing', 'TIO_BAD_PICKLE', '\x80\x02)R.'],
    ['attributes for a list', 'TIO_BAD_PICKLE', '\x80\x02]}b.'],
    ['attributes for a tensor', 'TIO_BAD_PICKLE', dictOf(`${tensor()}}b`)],
    ['attributes that are no dict', 'TIO_BAD_PICKLE', '\x80\x02}]b.'],
    ['a memo that was never set', 'TIO_BAD_PICKLE', '\x80\x02h\x07.'],
    ['a long memo that was never set', 'TIO_BAD_PICKLE', '\x80\x02j\x07\0\0\0.'],
    ['a memo of nothing', 'TIO_BAD_PICKLE', '\x80\x02q\x07.'],
    ['a missing mark', 'TIO_BAD_PICKLE', '\x80\x02Nt.'],
    ['an item for a dict', 'TIO_BAD_PICKLE', '\x80\x02}Na.'],
    ['an item for a tuple', 'TIO_BAD_PICKLE', '\x80\x02)Na.'],
    ['items for nothing', 'TIO_BAD_PICKLE', '\x80\x02(Ne.'],
    ['an entry for a list', 'TIO_BAD_PICKLE', '\x80\x02]NNs.'],
    ['an odd number of entries', 'TIO_BAD_PICKLE', '\x80\x02}(Nu.'],
    ['a key that is a tuple', 'TIO_BAD_PICKLE', '\x80\x02})Ns.'],
    ['a key that is None', 'TIO_BAD_PICKLE', '\x80\x02}NNs.'],
    ['an integer of 4 GiB', 'TIO_BAD_PICKLE', '\x80\x02\x8b\xff\xff\xff\xff.'],
    ['an integer of 256 bytes', 'TIO_BAD_PICKLE', `\x80\x02\x8b\0\x01\0\0${'\x01'.repeat(256)}.`],
    ['a string of 4 GiB', 'TIO_BAD_PICKLE', '\x80\x02X\xff\xff\xff\xff.'],
    ['a string of 2^64 bytes', 'TIO_BAD_PICKLE', '\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff.'],
    ['a string that is not UTF-8', 'TIO_NOT_UTF8', '\x80\x02X\x01\0\0\0\xff.'],
    ['a name that is not UTF-8', 'TIO_NOT_UTF8', '\x80\x02c\xff\n\xff\n.'],
    ['a list that holds itself', 'TIO_BAD_PTH', '\x80\x02]q\0h\0a.'],
    ['a dict that holds itself', 'TIO_BAD_PTH', `\x80\x02}q\0${str('a')}h\0s.`],
    ['100,000 nested lists', 'TIO_TOO_DEEP', `\x80\x02${']'.repeat(1e5)}${'a'.repeat(1e5 - 1)}.`],
    ['100,000 open marks', 'TIO_BAD_PICKLE', `\x80\x02${'('.repeat(1e5)}.`],
    ['a storage in place of a tensor', 'TIO_BAD_PTH', dictOf(storage())],
    ['a function in place of a tensor', 'TIO_BAD_PTH', dictOf(rebuild)],
    ['a storage type in place of a tensor', 'TIO_BAD_PTH', dictOf('ctorch\nFloatStorage\n')],
    ['a tensor without arguments', 'TIO_BAD_PTH', dictOf(`${rebuild})R`)],
    ['a tensor of a number', 'TIO_BAD_PTH', dictOf(tensor('K\x01'))],
    ['a tensor of a tensor', 'TIO_BAD_PTH', dictOf(tensor(tensor()))],
    ['a tensor with a size of strings', 'TIO_BAD_PTH', dictOf(tensor(storage(), 'K\0', `${str('2')}\x85`))],
    [
      'a tensor whose offset is a bigint',
      'TIO_BAD_PTH',
      dictOf(tensor(storage(), `\x8a\x09${'\xff'.repeat(8)}\0`)),
    ],
    [
      'a negated tensor',
      'TIO_BAD_PTH',
      dictOf(tensor(storage(), 'K\0', tuple(2, 2), tuple(2, 1), `\x89N}${str('neg')}\x88s`)),
    ],
    ['a parameter of a number', 'TIO_BAD_PTH', dictOf('ctorch._utils\n_rebuild_parameter\nK\x01\x88N\x87R')],
    ['a size of strings', 'TIO_BAD_PTH', dictOf(`ctorch\nSize\n${str('2')}\x85\x85R`)],
    ['a device of a list', 'TIO_BAD_PTH', dictOf('ctorch\ndevice\n]\x85R')],
    ['an OrderedDict of a number', 'TIO_BAD_PTH', dictOf('ccollections\nOrderedDict\nK\x01\x85R')],
    ['an OrderedDict of numbers', 'TIO_BAD_PTH', dictOf('ccollections\nOrderedDict\n]K\x01a\x85R')],
    ['a negative offset', 'TIO_BAD_STRIDES', dictOf(tensor(storage(), 'J\xff\xff\xff\xff'))],
    ['a fractional offset', 'TIO_BAD_STRIDES', dictOf(tensor(storage(), 'G\x3f\xe0\0\0\0\0\0\0'))],
    ['an offset beyond the storage', 'TIO_BAD_STRIDES', dictOf(tensor(storage(), 'K\x01'))],
    [
      'an empty tensor beyond the storage',
      'TIO_BAD_STRIDES',
      dictOf(tensor(storage(), 'K\x05', tuple(0), tuple(1))),
    ],
    [
      'strides beyond the storage',
      'TIO_BAD_STRIDES',
      dictOf(tensor(storage(), 'K\0', tuple(2, 2), tuple(3, 1))),
    ],
    [
      'negative strides',
      'TIO_BAD_STRIDES',
      dictOf(tensor(storage(), 'K\x03', tuple(4), '(J\xff\xff\xff\xfft')),
    ],
    ['fewer strides than sizes', 'TIO_BAD_STRIDES', dictOf(tensor(storage(), 'K\0', tuple(2, 2), tuple(1)))],
    ['a negative size', 'TIO_BAD_SHAPE', dictOf(tensor(storage(), 'K\0', '(J\xff\xff\xff\xfft', tuple(1)))],
    [
      'a size whose product is 2^64',
      'TIO_OVERFLOW',
      dictOf(tensor(storage(), 'K\0', '(\x8a\x05\0\0\0\0\x01\x8a\x05\0\0\0\0\x01t', tuple(0, 0))),
    ],
    [
      'an expanded tensor of 2 GiB',
      'TIO_TOO_LARGE',
      dictOf(tensor(storage(), 'K\0', '(J\0\0\0\x20t', tuple(0))),
    ],
    ['a storage that is missing', 'TIO_BAD_PTH', dictOf(tensor(storage('FloatStorage', '7')))],
    ['a storage outside its folder', 'TIO_BAD_PTH', dictOf(tensor(storage('FloatStorage', '../x/data/0')))],
    ['a storage longer than its bytes', 'TIO_SIZE_MISMATCH', dictOf(tensor(storage('FloatStorage', '0', 5)))],
    [
      'a storage shorter than its bytes',
      'TIO_SIZE_MISMATCH',
      dictOf(tensor(storage('DoubleStorage', '0', 1))),
    ],
    ['a storage that is no storage', 'TIO_BAD_PTH', dictOf(tensor(`(${str('module')}t\x51`))],
    ['a persistent id that is a string', 'TIO_BAD_PTH', dictOf(tensor(`${str('storage')}Q`))],
    ['a storage of a complex type', 'TIO_PICKLE_GLOBAL', dictOf(tensor(storage('ComplexFloatStorage')))],
    ['a quantized storage', 'TIO_PICKLE_GLOBAL', dictOf(tensor(storage('QInt8Storage')))],
  ];

  it.each(cases)('with %s are refused by %s', (_, code, pickle) => {
    expect(codeOf(() => parsePth(pthFile(pickle)))).toBe(code);
  });

  it('whose lists double 40 times are refused instead of unfolded', () => {
    const doubled = Array.from(
      { length: 40 },
      (_, i) => `](h${String.fromCharCode(i)}h${String.fromCharCode(i)}eq${String.fromCharCode(i + 1)}`,
    );
    expect(codeOf(() => parsePth(pthFile(`\x80\x02${tensor()}q\x00${doubled.join('')}.`)))).toBe(
      'TIO_TOO_LARGE',
    );
  });

  it('run every opcode of plain containers', () => {
    const plain = `(N\x88\x89J\xff\xff\xff\xffM\x01\x02\x8a\x00\x8b\x02\0\0\0\xff\xffG\x3f\xf8\0\0\0\0\0\0\x8c\x01a\x8d\x01\0\0\0\0\0\0\0b(K\x01K\x02l(${str('k')}Ndr\x00\x01\0\0j\x00\x01\0\0K\x09\x940(N1l`;
    const pickle = `\x80\x04\x95\0\0\0\0\0\0\0\0}(${str('w')}${tensor()}${str('v')}${plain}u.`;
    const { value } = parsePth(pthFile(pickle));
    const dict = new Map([['k', null]]);
    expect((value as ReadonlyMap<string, unknown>).get('v')).toEqual([
      null,
      true,
      false,
      -1,
      513,
      0,
      -1,
      1.5,
      'a',
      'b',
      [1, 2],
      dict,
      dict,
    ]);
  });
});

describe('archives that are no PyTorch file', () => {
  it('are refused with what is missing', () => {
    const data = bytesOf(dictOf(tensor()));
    expect(() => parsePth(zipFile([]))).toThrow('a PyTorch file holds one data.pkl, this archive 0');
    expect(codeOf(() => parsePth(zipFile([{ name: 'data.pkl', data }])))).toBe('TIO_BAD_PTH');
    expect(() => parsePth(pthFile(data, [{ name: 'y/data.pkl', data }]))).toThrow('this archive 2');
    expect(codeOf(() => parsePth(new Uint8Array()))).toBe('TIO_BAD_ZIP');
  });
});
