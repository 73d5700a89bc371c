import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';

describe('classifierWorkers', () => {
  let one: number[];
  let two: number[];
  let refused: { readonly code: string; readonly message: string };

  beforeAll(async () => {
    // A process of its own, which runs what npm run build makes, and must end by itself.
    const script = fileURLToPath(new URL('./workers-child.mjs', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [script]);
    [one, two, refused] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)) as [typeof one, typeof two, typeof refused];
  }, 120_000);

  it('learn what one thread learns, but for rounding', () => {
    expect(two).toHaveLength(6);
    for (const [i, loss] of two.entries()) expect(Math.abs(loss - one[i]!)).toBeLessThan(1e-3);
  });

  it('refuse to compute with other kernels than the main thread, naming both', () => {
    expect(refused.code).toBe('TRAINER_WORKER_FAILED');
    expect(refused.message).toMatch(/a worker has the \w+ kernels on wasm, the main thread the mixed ones/);
    expect(refused.message).toContain('RECIPE_WORKER_KERNELS');
    expect(refused.message).toMatch(/\n +at .*worker\.js:\d+/);
  });
});
