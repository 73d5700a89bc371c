import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'quantize-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs the child, which runs what npm run build makes, and kills it with -9 once it has done `killAt` steps. */
function child(checkpoint: string, workers: number, killAt = Number.POSITIVE_INFINITY): Promise<string[]> {
  const script = fileURLToPath(new URL('./quantize-child.mjs', import.meta.url));
  const process_ = spawn(process.execPath, [script, join(folder, checkpoint), String(workers)]);
  let [output, errors] = ['', ''];
  process_.stderr.on('data', (text) => {
    errors += text;
  });
  process_.stdout.on('data', (text) => {
    output += text;
    if (output.includes(`step ${killAt}\n`)) process_.kill('SIGKILL');
  });
  return new Promise((resolve, reject) => {
    process_.on('close', (code, signal) => {
      if (code === 0 || signal === 'SIGKILL') resolve(output.trim().split('\n'));
      else reject(new Error(errors));
    });
  });
}

const doneOf = (lines: readonly string[]) => /^done (\w+) (.*)$/.exec(lines.at(-1)!)!;

describe('a quantization', () => {
  let whole: RegExpExecArray;
  beforeAll(async () => {
    whole = doneOf(await child('whole', 1));
  }, 60_000);

  it('killed with -9 in training and again in annealing ends in the same bits', async () => {
    const first = await child('killed', 1, 8);
    expect(first.at(-1)).not.toContain('done');
    const second = await child('killed', 1, 20);
    // 16 steps of training; it goes on from a multiple of 3.
    expect(Number(/\d+/.exec(second[0]!)![0]) % 3).toBe(1);
    expect(Number(/\d+/.exec(second[0]!)![0])).toBeGreaterThan(6);
    expect(second.at(-1)).not.toContain('done');
    expect(doneOf(await child('killed', 1))[1]).toBe(whole[1]);
  }, 120_000);

  it('by two workers learns what one does, but for rounding, in the same bits every time', async () => {
    const one = doneOf(await child('two', 2));
    await child('again', 2, 19);
    const again = doneOf(await child('again', 2));
    expect(again[1]).toBe(one[1]);
    expect(Math.abs(Number(one[2]) - Number(whole[2]))).toBeLessThan(0.05);
  }, 120_000);
});
