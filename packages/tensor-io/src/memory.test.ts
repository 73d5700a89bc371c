import { spawnSync } from 'node:child_process';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { buildInto } from '../test/built-package.ts';
import { codeOf } from '../test/code-of.ts';
import { inFolder } from '../test/folder.ts';
import { safetensorsFile } from '../test/malformed-safetensors.ts';
import { parseSafetensors } from './safetensors.ts';

describe('files that would fill the memory', () => {
  it('are refused in a heap of 256 MB, before time or memory runs out', async () => {
    await inFolder(async (folder) => {
      await buildInto(folder);
      const child = join(folder, 'child.mjs');
      await copyFile(fileURLToPath(new URL('../test/hostile-child.mjs', import.meta.url)), child);
      const { stdout, stderr } = spawnSync(process.execPath, ['--max-old-space-size=256', child], {
        encoding: 'utf8',
        timeout: 60_000,
      });
      expect(stderr).toBe('');
      expect(stdout.trim().split('\n')).toEqual([
        'TIO_TOO_LARGE: 8 million dicts in a small file',
        'TIO_TOO_LARGE: 5,000 dicts of one list of 3,000 pairs',
        'TIO_TOO_LARGE: 5,000 tensors of one shape of 20,000 axes',
        'TIO_TOO_LARGE: 100,000 sizes of one list of 100,000 numbers',
        'TIO_TOO_LARGE: 8 million memo entries in a small file',
        'TIO_TOO_LARGE: 10,000 tensors below one long name',
        'TIO_TOO_LARGE: a pickle of 65 MB of which nothing is used',
        'TIO_BAD_ENTRY: a header of 4 million empty objects',
        'TIO_TOO_LARGE: a shape of 6 million axes',
        'read: metadata of 6 million escapes',
        'TIO_BAD_INDEX: an index of 4 million empty objects',
      ]);
    });
  });
});

describe('a safetensors header', () => {
  const shaped = (rank: number) =>
    safetensorsFile(`{"a":{"dtype":"U8","shape":[${Array(rank).fill(1)}],"data_offsets":[0,1]}}`, 1);
  const pairs = (count: number) =>
    safetensorsFile(`{"__metadata__":{${Array.from({ length: count }, (_, i) => `"${i}":""`)}}}`);

  it('has tensors of at most 64 axes', () => {
    expect(parseSafetensors(shaped(64)).state.get('a')?.shape).toHaveLength(64);
    expect(() => parseSafetensors(shaped(65))).toThrow('tensor "a": a shape of more than 64 axes.');
    expect(codeOf(() => parseSafetensors(shaped(65)))).toBe('TIO_TOO_LARGE');
  });

  it('has objects of at most a million members', () => {
    expect(codeOf(() => parseSafetensors(pairs(1e6 + 1)))).toBe('TIO_TOO_LARGE');
  });
});
