import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { digits, workplace } from './workplace.ts';

const { folder, proj, json, writeIdx } = workplace();

beforeAll(() => writeIdx('digits', 'train', 64));

describe('proj train --workers', () => {
  it('goes on after Ctrl-C with as many workers only, and ends in the bits of an uninterrupted run', {
    timeout: 120_000,
  }, async () => {
    const train = (out: string, workers: number) =>
      ['train', ...digits, '--epochs', '3', '--out', out, '--workers', String(workers)] as const;
    const whole = await json(train('whole', 2));

    const interrupted = await proj(train('parts', 2), {
      during: (child) => child.stderr!.once('data', () => child.kill('SIGINT')),
    });
    expect(interrupted.code).toBe(130);
    expect(interrupted.stderr).toContain('--workers 2');
    expect(existsSync(join(folder, 'parts', 'model.safetensors'))).toBe(false);

    const alone = await proj(train('parts', 1));
    expect([alone.code, alone.stderr]).toEqual([65, expect.stringContaining('workers was 2 and is now 1')]);

    expect((await json(train('parts', 2)))['sha256']).toBe(whole['sha256']);
  });
});
