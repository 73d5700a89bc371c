import { openAsBlob } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rejectionCode } from '../test/code-of.ts';
import { openSafetensors } from './lazy.ts';
import { parseSafetensors, serializeSafetensors } from './safetensors.ts';
import type { ByteSource } from './source.ts';
import type { StateDict } from './state.ts';
import { tensorData } from './tensor.ts';

const state: StateDict = new Map([
  ['a', tensorData('F32', [1000], new Float32Array(1000).fill(3))],
  ['b', tensorData('F32', [2], [1, 2])],
]);
const file = serializeSafetensors(state, new Map([['format', 'pt']]));

/** The file as a source that keeps a record of what is read. */
function recorded(bytes: Uint8Array = file): ByteSource & { reads: number[]; closed: number } {
  const source = {
    size: bytes.length,
    reads: [] as number[],
    closed: 0,
    async read(offset: number, length: number) {
      source.reads.push(length);
      return bytes.slice(offset, offset + length);
    },
    async close() {
      source.closed++;
    },
  };
  return source;
}

describe('openSafetensors', () => {
  it('reads the header alone, then only the tensors asked for', async () => {
    const source = recorded();
    const opened = await openSafetensors(source);
    const header = Number(new DataView(file.buffer).getBigUint64(0, true));
    expect(source.reads).toEqual([8, header]);
    expect(opened.names).toEqual(['a', 'b']);
    expect(opened.metadata).toEqual(new Map([['format', 'pt']]));
    expect(opened.info('a')).toEqual({ dtype: 'F32', shape: [1000], byteLength: 4000 });
    expect(await opened.tensor('b')).toEqual(state.get('b'));
    expect(source.reads).toEqual([8, header, 8]);
    expect(await opened.state(['b'])).toEqual(new Map([['b', state.get('b')]]));
    expect(await opened.state()).toEqual(state);
  });

  it('reads from arrays, buffers and blobs alike', async () => {
    for (const source of [file, file.buffer, new Blob([file])]) {
      expect(await (await openSafetensors(source)).state()).toEqual(parseSafetensors(file).state);
    }
  });

  it('names a tensor that is not there, and refuses to read once closed', async () => {
    const source = recorded();
    const opened = await openSafetensors(source, 'model.safetensors');
    await expect(opened.tensor('c')).rejects.toThrow('model.safetensors: no tensor "c" among 2.');
    expect(() => opened.info('__proto__')).toThrow('no tensor "__proto__"');
    await opened.close();
    await opened.close();
    expect(source.closed).toBe(1);
    expect(await rejectionCode(opened.tensor('a'))).toBe('TIO_CLOSED');
    expect(await rejectionCode(opened.tensor('c'))).toBe('TIO_NO_SUCH_TENSOR');
  });

  it('closes a source it refuses', async () => {
    const source = recorded(file.slice(0, -1));
    expect(await rejectionCode(openSafetensors(source))).toBe('TIO_TRUNCATED');
    expect(source.closed).toBe(1);
  });

  it('refuses a source that returns fewer bytes than it promised', async () => {
    const source: ByteSource = { size: 1e6, read: async () => new Uint8Array(4) };
    expect(await rejectionCode(openSafetensors(source))).toBe('TIO_TRUNCATED');
  });

  it('reports a blob whose file changed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tensor-io-'));
    try {
      const path = join(folder, 'a.safetensors');
      await writeFile(path, file);
      const opened = await openSafetensors(await openAsBlob(path));
      await writeFile(path, file.slice(0, 100));
      expect(await rejectionCode(opened.tensor('a'))).toBe('TIO_IO');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
