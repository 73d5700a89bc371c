import { readdirSync } from 'node:fs';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dataDirectory, hasData } from '@proj/fixtures';
import { describe, expect, it } from 'vitest';
import { rejectionCode } from '../../test/code-of.ts';
import { testFile } from '../../test/files.ts';
import { inFolder } from '../../test/folder.ts';
import { stateSha256 } from '../fingerprint.ts';
import {
  openSafetensorsFile,
  readSafetensors,
  readStateDict,
  writeSafetensors,
  writeShardedSafetensors,
} from '../node.ts';
import { serializeNpz } from '../npz.ts';
import type { StateDict } from '../state.ts';
import { tensorData, toFloat64 } from '../tensor.ts';

const state: StateDict = new Map([
  ['a', tensorData('F32', [2, 2], [1, 2, 3, 4])],
  ['__proto__', tensorData('I64', [], [5n])],
  ['10', tensorData('BF16', [3], [1, 2, 3])],
  ['9', tensorData('U8', [0], [])],
]);
const metadata = new Map([['format', 'pt']]);
const openFiles = () => readdirSync('/proc/self/fd').length;

describe('safetensors files', () => {
  it('give back what was written, whole or tensor by tensor', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'model.safetensors');
      await writeSafetensors(path, state, metadata);
      const read = await readSafetensors(path);
      expect(read.metadata).toEqual(metadata);
      expect(await stateSha256(read.state)).toBe(await stateSha256(state));
      const file = await openSafetensorsFile(path);
      expect(await file.tensor('10')).toEqual(state.get('10'));
      await truncate(path, 100);
      expect(await rejectionCode(file.tensor('a'))).toBe('TIO_TRUNCATED');
      await file.close();
      await expect(readSafetensors(path)).rejects.toThrow(path);
      expect(await rejectionCode(readSafetensors(path))).toBe('TIO_TRUNCATED');
    });
  });

  it('that are not there, no files or damaged are refused and leave no file open', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'bad');
      await writeFile(path, 'no safetensors file at all');
      await writeFile(join(folder, 'index'), '{"weight_map":{"a":"good","b":"bad"}}');
      await writeSafetensors(join(folder, 'good'), new Map([['a', state.get('a')!]]));
      const before = openFiles();
      for (const [file, code] of [
        [join(folder, 'missing'), 'TIO_NOT_FOUND'],
        [join(path, 'a'), 'TIO_NOT_FOUND'],
        [folder, 'TIO_NOT_A_FILE'],
        ['/dev/null', 'TIO_NOT_A_FILE'],
        ['/proc/self/mem', 'TIO_TRUNCATED'],
        [path, 'TIO_HEADER_TOO_LARGE'],
        [join(folder, 'index'), 'TIO_HEADER_TOO_LARGE'],
      ]) {
        expect(await rejectionCode(openSafetensorsFile(file!)), file).toBe(code);
        expect(await rejectionCode(readStateDict(file!)), file).toBe(code);
      }
      expect(openFiles()).toBe(before);
    });
  });
});

describe('sharded models', () => {
  it('are filled in order, whatever the names, and read back alike', async () => {
    await inFolder(async (folder) => {
      const index = await writeShardedSafetensors(folder, state, { maxShardBytes: 9, metadata });
      expect(readdirSync(folder).sort()).toEqual([
        'model-00001-of-00003.safetensors',
        'model-00002-of-00003.safetensors',
        'model-00003-of-00003.safetensors',
        'model.safetensors.index.json',
      ]);
      const before = openFiles();
      const file = await openSafetensorsFile(index);
      expect(file.names).toEqual([...state.keys()]);
      expect(file.metadata).toEqual(metadata);
      expect(openFiles()).toBe(before + 3);
      await file.close();
      expect(openFiles()).toBe(before);
      expect((await readStateDict(index)).state).toEqual(state);
    });
  });

  it('may be empty, and may hold a tensor larger than a shard', async () => {
    await inFolder(async (folder) => {
      const index = await writeShardedSafetensors(folder, new Map(), { maxShardBytes: 1 });
      expect((await readSafetensors(index)).state).toEqual(new Map());
    });
    await inFolder(async (folder) => {
      await writeShardedSafetensors(folder, state, { maxShardBytes: 1 });
      expect(readdirSync(folder)).toContain('model-00004-of-00004.safetensors');
    });
  });

  it('are not written over another model, nor with a size that is none', async () => {
    await inFolder(async (folder) => {
      for (const maxShardBytes of [0, -1, 1.5, Number.NaN]) {
        expect(await rejectionCode(writeShardedSafetensors(folder, state, { maxShardBytes }))).toBe(
          'TIO_BAD_VALUE',
        );
      }
      await writeShardedSafetensors(folder, state, { maxShardBytes: 100 });
      expect(await rejectionCode(writeShardedSafetensors(folder, state, { maxShardBytes: 9 }))).toBe(
        'TIO_EXISTS',
      );
      expect((await readStateDict(join(folder, 'model.safetensors.index.json'))).state).toEqual(state);
    });
  });

  it('are not written with more shards than can be opened', async () => {
    await inFolder(async (folder) => {
      const byte = tensorData('U8', [1], [1]);
      const many = new Map(Array.from({ length: 1001 }, (_, i) => [`t${i}`, byte]));
      await expect(writeShardedSafetensors(folder, many, { maxShardBytes: 1 })).rejects.toThrow(
        '1001 shards of 1 bytes, at most 1000 can be opened; raise maxShardBytes.',
      );
      expect(await rejectionCode(writeShardedSafetensors(folder, many, { maxShardBytes: 1 }))).toBe(
        'TIO_TOO_LARGE',
      );
      expect(readdirSync(folder)).toEqual([]);
    });
  });

  it('whose index leaves the folder are refused', async () => {
    await inFolder(async (folder) => {
      const index = join(folder, 'model.safetensors.index.json');
      await writeFile(index, ' \n{"weight_map":{"a":"../../../etc/passwd"}}');
      expect(await rejectionCode(readStateDict(index))).toBe('TIO_UNSAFE_PATH');
    });
  });
});

describe('readStateDict', () => {
  it('tells every format by its content, not its name', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'model');
      await writeSafetensors(path, state);
      expect(await stateSha256((await readStateDict(path)).state)).toBe(await stateSha256(state));
      expect([...(await readStateDict(testFile('reference.safetensors'))).state.keys()]).toContain('b');
      expect([...(await readStateDict(testFile('stored.npz'))).state.keys()]).toContain('f4');
      expect([...(await readStateDict(testFile('deflated.npz'))).state.keys()]).toContain('zeros');
      expect([...(await readStateDict(testFile('checkpoint.pth'))).state.keys()]).toEqual(['weight', 'bias']);
      const { state: array } = await readStateDict(testFile('scalar.npy'));
      expect([...array].map(([name, tensor]) => [name, ...toFloat64(tensor)])).toEqual([['tensor', -7]]);
      expect(await rejectionCode(readStateDict(testFile('legacy.pth')))).toBe('TIO_OLD_PTH');
      await writeFile(path, '');
      expect(await rejectionCode(readStateDict(path))).toBe('TIO_TRUNCATED');
    });
  });

  it.each([
    ['PK, as a zip archive starts', 19_280],
    ['0x80 0x02, as a pickle starts', 640],
  ])('reads a safetensors file whose header length spells %s', async (_, length) => {
    await inFolder(async (folder) => {
      const path = join(folder, 'model');
      const entry = '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}';
      const file = new Uint8Array(8 + length + 1).fill(0x20);
      new DataView(file.buffer).setBigUint64(0, BigInt(length), true);
      file.set(new TextEncoder().encode(entry), 8);
      await writeFile(path, file);
      expect([...(await readStateDict(path)).state]).toEqual([['a', tensorData('U8', [1], [0x20])]]);
    });
  });

  it('tells an empty npz from a text that starts with PK', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'model');
      await writeFile(path, serializeNpz(new Map()));
      expect((await readStateDict(path)).state).toEqual(new Map());
      await writeFile(path, 'PK is how zip archives start, but not this');
      expect(await rejectionCode(readStateDict(path))).toBe('TIO_HEADER_TOO_LARGE');
    });
  });

  it('refuses what does not fit into memory before it reads it', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'huge.npz');
      await writeFile(path, 'PK\x03\x04..');
      await truncate(path, 5 * 2 ** 30);
      expect(await rejectionCode(readStateDict(path))).toBe('TIO_TOO_LARGE');
    });
  });
});

const DEIT = 'deit_tiny_patch16_224/model.safetensors';

describe.runIf(hasData(DEIT))('the real DeiT-Tiny', () => {
  it('is listed from its header alone and read whole', async () => {
    const file = await openSafetensorsFile(join(dataDirectory(), DEIT));
    expect(file.names).toHaveLength(152);
    expect(file.info('blocks.0.attn.qkv.weight')).toEqual({
      dtype: 'F32',
      shape: [576, 192],
      byteLength: 442_368,
    });
    const values = [...(await file.state()).values()].reduce((sum, { bytes }) => sum + bytes.length / 4, 0);
    expect(values).toBe(5_717_416);
    await file.close();
  });
});
