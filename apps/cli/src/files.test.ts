import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TensorIoError } from '@proj/tensor-io';
import { describe, expect, it } from 'vitest';
import { makeFolder, writing } from './files.ts';

describe('writing', () => {
  it.each([
    ['TIO_PERMISSION', 73],
    ['TIO_NOT_FOUND', 73],
  ] as const)('makes of %s a file that cannot be created', async (code, exit) => {
    await expect(writing(Promise.reject(new TensorIoError(code, 'no')))).rejects.toMatchObject({
      code,
      exit,
    });
  });

  it('leaves a full disk what it is', async () => {
    const full = new TensorIoError('TIO_DISK_FULL', 'no');
    await expect(writing(Promise.reject(full))).rejects.toBe(full);
  });
});

describe('makeFolder', () => {
  it('refuses a folder that is there and that nothing can be written into', async () => {
    // Not even root can.
    await expect(makeFolder('/proc')).rejects.toMatchObject({ exit: 73 });
  });

  it('leaves nothing but the folder', async () => {
    const folder = join(await mkdtemp(join(tmpdir(), 'proj-')), 'a', 'b');
    await makeFolder(folder);
    await makeFolder(folder);
    expect(await readdir(folder)).toEqual([]);
    await rm(join(folder, '../..'), { recursive: true });
  });
});
