import { chmod, mkdtemp, rm } from 'node:fs/promises';
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
  // Nothing is forbidden to root.
  it.skipIf(process.getuid?.() === 0)(
    'refuses a folder that is there and may not be written to',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'proj-'));
      await chmod(folder, 0o555);
      await expect(makeFolder(folder)).rejects.toMatchObject({ code: 'EACCES', exit: 73 });
      await rm(folder, { recursive: true });
    },
  );
});
