import { TensorIoError } from '@proj/tensor-io';
import { describe, expect, it } from 'vitest';
import { writing } from './files.ts';

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
