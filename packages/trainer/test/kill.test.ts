import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { random } from '@proj/random';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const TOTAL_STEPS = 120;
const KILLS = 6;

interface Line {
  readonly kind: string;
  readonly step: number;
  readonly loss?: number;
  readonly sha256?: string;
}

/** Runs the child on `checkpoint`; `watch` sees every line and may kill it. */
async function runChild(
  checkpoint: string,
  watch: (line: Line, child: ChildProcess) => void = () => {},
): Promise<{ lines: Line[]; signal: NodeJS.Signals | null }> {
  const script = fileURLToPath(new URL('./kill-child.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, checkpoint], { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk));
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.on('close', (code, signal) => resolve({ code, signal })),
  );
  const lines: Line[] = [];
  for await (const text of createInterface({ input: child.stdout })) {
    const line = JSON.parse(text) as Line;
    lines.push(line);
    watch(line, child);
  }
  const { code, signal } = await ended;
  if (code !== 0 && signal !== 'SIGKILL') throw new Error(`the child ended with ${code}: ${errors}`);
  return { lines, signal };
}

/** Kills as soon as a checkpoint is being written: its temporary file is there. */
function killWhileWriting(folder: string, child: ChildProcess): void {
  const poll = setInterval(() => {
    if (readdirSync(folder).some((name) => name.endsWith('.tmp'))) child.kill('SIGKILL');
  }, 0);
  child.on('close', () => clearInterval(poll));
}

describe('a run killed with SIGKILL again and again', () => {
  const folder = mkdtempSync(join(tmpdir(), 'trainer-kill-'));
  const whole = join(folder, 'whole.safetensors');
  const killed = join(folder, 'killed', 'run.safetensors');
  let expected: Line[];

  beforeAll(async () => {
    const built = fileURLToPath(new URL('../dist/node.js', import.meta.url));
    if (!existsSync(built)) throw new Error(`${built} is missing: this test runs what npm run build makes.`);
    mkdirSync(join(folder, 'killed'));
    expected = (await runChild(whole)).lines;
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  it('loses no step, changes no loss and ends with the same bits', async () => {
    const losses = new Map<number, Set<number>>();
    const starts: number[] = [];
    let caughtWriting = 0;
    let final: Line | undefined;
    for (let attempt = 0; final === undefined; attempt++) {
      expect(attempt).toBeLessThan(3 * KILLS);
      const delay = random(11, 'kill', attempt).uniform() * 150;
      let armed = false;
      const { lines, signal } = await runChild(killed, (line, child) => {
        // Not before the first checkpoint of this attempt, so that every attempt gets on.
        if (armed || line.kind !== 'checkpoint' || attempt >= KILLS) return;
        armed = true;
        if (attempt % 2 === 0) setTimeout(() => child.kill('SIGKILL'), delay);
        else setTimeout(() => killWhileWriting(join(folder, 'killed'), child), delay);
      });
      if (signal === 'SIGKILL' && readdirSync(join(folder, 'killed')).length > 1) caughtWriting++;
      for (const { kind, step, loss } of lines) {
        if (kind === 'start') starts.push(step);
        if (kind === 'step') losses.set(step, (losses.get(step) ?? new Set()).add(loss!));
      }
      final = lines.find(({ kind }) => kind === 'done');
    }

    const expectedLosses = expected.filter(({ kind }) => kind === 'step');
    expect(expectedLosses).toHaveLength(TOTAL_STEPS);
    // A set of one value: a step that was repeated after a kill had the same loss each time.
    expect(losses).toEqual(new Map(expectedLosses.map(({ step, loss }) => [step, new Set([loss])])));
    expect(final.sha256).toBe(expected.at(-1)!.sha256);
    // Moments, buffers and position included, byte for byte; and no temporary file is left.
    expect(readFileSync(killed).equals(readFileSync(whole))).toBe(true);
    expect(readdirSync(join(folder, 'killed'))).toEqual(['run.safetensors']);
    // The proof proves something only if it was really interrupted, in the middle of files too.
    expect(starts.length).toBeGreaterThan(KILLS / 2);
    expect(caughtWriting).toBeGreaterThan(0);
    expect([...starts].sort((a, b) => a - b)).toEqual(starts);
  }, 120_000);
});
