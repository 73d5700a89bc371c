import { expect, it } from 'vitest';
import { dataFingerprint } from '../data.ts';
import { requireSameData } from './same-data.ts';

it('lets a job run on the data that it was planned with, and on no other of the same name', async () => {
  await requireSameData({ digits: await dataFingerprint('digits') });
  await expect(requireSameData({ digits: '0'.repeat(64) })).rejects.toMatchObject({
    code: 'BENCH_DATA_DIFFERS',
    message: expect.stringContaining('"digits"'),
  });
});
