import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildInto } from '../test/built-package.ts';
import { rejectionCode } from '../test/code-of.ts';
import { inFolder } from '../test/folder.ts';
import { sha256, stateSha256, tensorSha256 } from './fingerprint.ts';
import { byCodePoint } from './order.ts';
import { parseSafetensors, serializeSafetensors } from './safetensors.ts';
import type { StateDict } from './state.ts';
import { tensorData } from './tensor.ts';

const hash = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex');
const state: StateDict = new Map([
  ['b.weight', tensorData('F32', [2], [1, 2])],
  ['a.weight', tensorData('U8', [1, 1], [3])],
]);

describe('fingerprints', () => {
  it('are SHA-256', async () => {
    expect(await sha256(new Uint8Array())).toBe(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
    expect(await sha256(new Uint8Array(new SharedArrayBuffer(3)))).toBe(hash(new Uint8Array(3)));
  });

  it('follow the documented definition, so that other programs can compute them', async () => {
    const [b, a] = [state.get('b.weight')!, state.get('a.weight')!];
    const tensors = [hash(`U8[1,1]:${hash(a.bytes)}`), hash(`F32[2]:${hash(b.bytes)}`)];
    expect([await tensorSha256(a), await tensorSha256(b)]).toEqual(tensors);
    expect(await stateSha256(state)).toBe(
      hash(`["a.weight","${tensors[0]}"]\n["b.weight","${tensors[1]}"]\n`),
    );
  });

  it('do not depend on the order of the map or the file it came from', async () => {
    const shuffled = new Map([...state].reverse());
    expect(await stateSha256(shuffled)).toBe(await stateSha256(state));
    expect(await stateSha256(parseSafetensors(serializeSafetensors(state)).state)).toBe(
      await stateSha256(state),
    );
  });

  it('differ in name, dtype, shape and any bit', async () => {
    const bytes = new Uint8Array(4);
    const others = await Promise.all([
      stateSha256(new Map()),
      stateSha256(new Map([['x', { dtype: 'F32', shape: [1], bytes }]])),
      stateSha256(new Map([['y', { dtype: 'F32', shape: [1], bytes }]])),
      stateSha256(new Map([['x', { dtype: 'I32', shape: [1], bytes }]])),
      stateSha256(new Map([['x', { dtype: 'F32', shape: [1, 1], bytes }]])),
      stateSha256(new Map([['x', { dtype: 'F32', shape: [1], bytes: new Uint8Array([0, 0, 0, 128]) }]])),
    ]);
    expect(new Set(others).size).toBe(others.length);
  });

  it('refuse a tensor that is not as long as its shape says', async () => {
    const bad = { dtype: 'F32', shape: [2], bytes: new Uint8Array(4) } as const;
    expect(await rejectionCode(tensorSha256(bad))).toBe('TIO_SIZE_MISMATCH');
  });
});

describe('sha256 without WebCrypto', () => {
  it('says what is missing', async () => {
    await inFolder(async (folder) => {
      await buildInto(folder);
      const script = `
        import { sha256 } from '@proj/tensor-io';
        Object.defineProperty(globalThis, 'crypto', { value: undefined });
        await sha256(new Uint8Array()).catch((error) => console.log(error.code === 'TIO_NO_CRYPTO'));
      `;
      await writeFile(join(folder, 'script.mjs'), script);
      const { stdout } = spawnSync(process.execPath, ['script.mjs'], { cwd: folder, encoding: 'utf8' });
      expect(stdout).toBe('true\n');
    });
  });
});

describe('byCodePoint', () => {
  it('orders as Rust and Python do, also above U+FFFF', () => {
    const names = ['b', '', 'a', 'aa', 'é', '\u{1f600}', '\uffff', '\ue000', 'Z'];
    const byBytes = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(names.sort(byCodePoint)).toEqual(byBytes);
    expect(names.at(-1)).toBe('\u{1f600}');
  });
});
