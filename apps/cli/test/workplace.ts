import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { random } from '@proj/random';
import { afterAll, expect } from 'vitest';

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  /** Sees the running process. */
  readonly during?: (child: ChildProcess) => void;
  readonly env?: Readonly<Record<string, string>>;
}

/** What small trainings on `writeIdx('digits', ...)` have in common. */
export const digits = ['--model', 'vit_digits_28', '--data', 'digits', '--batch-size', '16'];

/** A folder of its own for a test file, in which the built command runs as a user would run it. */
export function workplace() {
  const folder = mkdtempSync(join(tmpdir(), 'proj-cli-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const proj = (args: readonly string[], { during, env }: RunOptions = {}): Promise<Ended> =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [main, ...args], {
        cwd: folder,
        env: { ...process.env, PROJ_COMMAND: undefined, ...env },
      });
      let [stdout, stderr] = ['', ''];
      child.stdout.on('data', (chunk) => {
        stdout += chunk;
      });
      child.stderr.on('data', (chunk) => {
        stderr += chunk;
      });
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, stdout, stderr }));
      during?.(child);
    });

  async function json(args: readonly string[]): Promise<Record<string, unknown> & { schema: string }> {
    const { code, stdout, stderr } = await proj([...args, '--json', '--quiet']);
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout);
  }

  /** An IDX pair of images that are bright on the left or on the right. */
  function writeIdx(name: string, prefix: 'train' | 't10k', count: number): void {
    const draws = random(prefix === 'train' ? 1 : 2);
    const images = new Uint8Array(16 + count * 784);
    const labels = new Uint8Array(8 + count);
    for (const [file, numbers] of [
      [images, [0x803, count, 28, 28]],
      [labels, [0x801, count]],
    ] as const) {
      for (const [i, value] of numbers.entries()) new DataView(file.buffer).setUint32(4 * i, value);
    }
    for (let i = 0; i < count; i++) {
      labels[8 + i] = i % 2;
      for (let p = 0; p < 784; p++)
        images[16 + i * 784 + p] = (p % 28 < 14 === (i % 2 === 0) ? 150 : 40) + draws.integer(60);
    }
    mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, name, `${prefix}-images-idx3-ubyte`), images);
    writeFileSync(join(folder, name, `${prefix}-labels-idx1-ubyte`), labels);
  }

  return { folder, proj, json, writeIdx };
}
