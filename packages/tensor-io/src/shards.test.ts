import { describe, expect, it } from 'vitest';
import { rejectionCode } from '../test/code-of.ts';
import { openSafetensors } from './lazy.ts';
import { serializeSafetensors } from './safetensors.ts';
import { MAX_INDEX_BYTES, openShardedSafetensors } from './shards.ts';
import { tensorData } from './tensor.ts';

const one = tensorData('F32', [1], [1]);
const shards = new Map([
  [
    's1',
    serializeSafetensors(
      new Map([
        ['a', one],
        ['b', one],
      ]),
      new Map([
        ['format', 'pt'],
        ['part', '1'],
      ]),
    ),
  ],
  [
    's2',
    serializeSafetensors(
      new Map([['c', one]]),
      new Map([
        ['format', 'pt'],
        ['part', '2'],
      ]),
    ),
  ],
]);
const good = '{"metadata":{"total_size":12},"weight_map":{"c":"s2","a":"s1","b":"s1"}}';
const opened: string[] = [];
const open = (index: string | Uint8Array) =>
  openShardedSafetensors(
    typeof index === 'string' ? new TextEncoder().encode(index) : index,
    async (name) => {
      opened.push(name);
      return openSafetensors(shards.get(name)!, name);
    },
  );

describe('a sharded model', () => {
  it('reads like one file, each tensor from its shard', async () => {
    const model = await open(good);
    expect(model.names).toEqual(['c', 'a', 'b']);
    expect(model.metadata).toEqual(new Map([['format', 'pt']]));
    expect(model.info('c')).toEqual({ dtype: 'F32', shape: [1], byteLength: 4 });
    expect(await model.tensor('a')).toEqual(one);
    expect([...(await model.state()).keys()]).toEqual(['c', 'a', 'b']);
    expect([...(await model.state(['b'])).keys()]).toEqual(['b']);
    expect(await rejectionCode(model.tensor('d'))).toBe('TIO_NO_SUCH_TENSOR');
    await model.close();
    expect(await rejectionCode(model.tensor('a'))).toBe('TIO_CLOSED');
  });

  it('may have no tensors at all', async () => {
    const model = await open('{"weight_map":{}}');
    expect(await model.state()).toEqual(new Map());
    expect(model.metadata).toEqual(new Map());
  });

  it('is refused when index and shards differ, with every difference named', async () => {
    const index = '{"weight_map":{"a":"s1","c":"s1","d":"s2"}}';
    await expect(open(index)).rejects.toThrow(
      'index: "c" is missing in s1; "d" is missing in s2; s1 holds "b" against the index; s2 holds "c" against the index.',
    );
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`x${i}`, 's1']));
    await expect(open(JSON.stringify({ weight_map: many }))).rejects.toThrow('and 22 more');
    expect(await rejectionCode(open(index))).toBe('TIO_SHARD_MISMATCH');
  });

  it.each([
    '../s1',
    '..',
    '.',
    '',
    '/etc/passwd',
    'sub/s1',
    'sub\\s1',
    'C:\\s1',
    'C:s1',
    '\\\\host\\s1',
    '%2e%2e%2fs1',
    '..%2fs1',
    's1\u0000',
    's1\n',
    ' s1',
    '~',
    '.hidden',
    'http://host/s1',
    '\u2024\u2024/s1',
  ])('refuses the shard name %j before opening anything', async (name) => {
    opened.length = 0;
    const index = JSON.stringify({ weight_map: { a: 's1', z: name } });
    expect(await rejectionCode(open(index))).toBe('TIO_UNSAFE_PATH');
    expect(opened).toEqual([]);
  });

  it.each([
    ['no JSON', 'TIO_BAD_JSON', '{"weight_map":'],
    ['not UTF-8', 'TIO_NOT_UTF8', new Uint8Array([0x7b, 0xff, 0x7d])],
    ['an array', 'TIO_BAD_INDEX', '[]'],
    ['no weight_map', 'TIO_BAD_INDEX', '{"metadata":{}}'],
    ['weight_map null', 'TIO_BAD_INDEX', '{"weight_map":null}'],
    ['weight_map an array', 'TIO_BAD_INDEX', '{"weight_map":["s1"]}'],
    ['a shard that is no string', 'TIO_BAD_INDEX', '{"weight_map":{"a":1}}'],
    ['a shard that is an object', 'TIO_BAD_INDEX', '{"weight_map":{"a":{"file":"s1"}}}'],
    ['a tensor twice', 'TIO_DUPLICATE_NAME', '{"weight_map":{"a":"s1","a":"s2"}}'],
    ['two weight maps', 'TIO_DUPLICATE_NAME', '{"weight_map":{},"weight_map":{"a":"s1"}}'],
    ['deep nesting', 'TIO_TOO_DEEP', `{"metadata":${'['.repeat(99)}`],
    [
      '100,000 shards',
      'TIO_TOO_LARGE',
      JSON.stringify({
        weight_map: Object.fromEntries(Array.from({ length: 1e5 }, (_, i) => [`t${i}`, `s${i}`])),
      }),
    ],
    ['more bytes than an index may have', 'TIO_TOO_LARGE', new Uint8Array(MAX_INDEX_BYTES + 1)],
  ] as const)('refuses an index with %s by %s', async (_, code, index) => {
    expect(await rejectionCode(open(index))).toBe(code);
  });

  it('closes what it opened when a later shard cannot be opened', async () => {
    const closed: string[] = [];
    const index = new TextEncoder().encode('{"weight_map":{"a":"s1","z":"s3"}}');
    const opening = openShardedSafetensors(index, async (name) => {
      if (name === 's3') throw new RangeError('no such shard');
      const shard = await openSafetensors(shards.get(name)!);
      return { ...shard, close: async () => void closed.push(name) };
    });
    await expect(opening).rejects.toThrow('no such shard');
    expect(closed).toEqual(['s1']);
  });
});
