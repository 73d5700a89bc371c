import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { stateSha256 } from '@proj/tensor-io';
import { readSafetensors } from '@proj/tensor-io/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DemoResults } from '../src/demo/results.ts';

const run = promisify(execFile);
const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const proj = fileURLToPath(new URL('../../cli/dist/main.js', import.meta.url));

describe('the demo, whole', () => {
  const home = mkdtempSync(join(tmpdir(), 'proj-demo-'));
  const folder = join(home, 'demo-results');
  let results: DemoResults;
  let html: string;

  beforeAll(async () => {
    const { stdout } = await run(process.execPath, [main, 'demo', '--json', '--out', folder], {
      maxBuffer: 1e8,
    });
    results = JSON.parse(stdout) as DemoResults;
    html = readFileSync(join(folder, 'report.html'), 'utf8');
  }, 900_000);
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  it('reads clean digits, and each patch gives at least half of what the robust model gains', () => {
    for (const { corruption, standard, patched, robust, shareOfGain } of results.corruptions) {
      expect(standard.clean, corruption).toBeGreaterThanOrEqual(94);
      expect(robust.corrupted, corruption).toBeGreaterThan(standard.corrupted + 5);
      expect(patched.corrupted - standard.corrupted).toBeGreaterThanOrEqual(
        0.5 * (robust.corrupted - standard.corrupted),
      );
      expect(shareOfGain!).toBeCloseTo(
        (patched.corrupted - standard.corrupted) / (robust.corrupted - standard.corrupted),
      );
    }
  });

  it('restores every bit, whatever the order of removal', async () => {
    expect(results.removal.equal).toBe(true);
    expect(results.removal.after.map(({ order }) => order).sort()).toEqual([
      'fog-s5, then impulse_noise-s5',
      'impulse_noise-s5, then fog-s5',
    ]);
    for (const { sha256 } of results.removal.after) expect(sha256).toBe(results.removal.before);
    expect(results.removal.patched).not.toBe(results.removal.before);
    const { state } = await readSafetensors(join(folder, 'standard.safetensors'));
    expect(await stateSha256(state)).toBe(results.removal.before);
  });

  it('ships signatures much smaller than the model', () => {
    for (const { signature, corruption } of results.corruptions) {
      expect(readFileSync(join(folder, signature.file)).length, corruption).toBe(signature.bytes);
      expect(signature.ratio, corruption).toBeGreaterThan(5);
    }
  });

  it('trains the standard model into two bits that keep nine tenths of its accuracy in a quarter of the bytes', async () => {
    const { float, models } = results.quantized;
    expect(models.map(({ name }) => name)).toEqual(['lsq', 'ofq']);
    expect(float.bytes).toBe(readFileSync(join(folder, 'standard.safetensors')).length);
    for (const { name, file, bytes, sha256, top1, agreement, accuracy, oscillating } of models) {
      expect(top1, name).toBeGreaterThan(0.9 * float.top1);
      expect(agreement, name).toBeGreaterThan(90);
      expect(readFileSync(join(folder, file)).length).toBe(bytes);
      expect(float.bytes / bytes).toBeGreaterThan(4);
      expect(sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(accuracy).toHaveLength(4);
      const shares = oscillating.map(({ y }) => y);
      expect(Math.abs(shares.length - 40)).toBeLessThan(4);
      // It comes with the learning rate, and goes with it.
      expect(Math.max(...shares)).toBeGreaterThan(2 * shares.at(-1)!);
      expect(html).toContain(`>${top1.toFixed(1)}</td>`);
    }
  });

  it('leaves packed models that `proj evaluate` reads, with the same accuracy', {
    timeout: 120_000,
  }, async () => {
    for (const { file, top1 } of results.quantized.models) {
      const { stdout } = await run(
        process.execPath,
        [
          ...[proj, 'evaluate', join(folder, file), '--data', join(folder, 'digits')],
          ...['--flavour', 'reproducible', '--json'],
        ],
        { cwd: home },
      );
      expect((JSON.parse(stdout) as { top1: number }).top1).toBeCloseTo(top1, 6);
    }
  });

  it('writes one page that needs nothing else, with every picture described', () => {
    expect(html).not.toMatch(/<script|(?:src|href)="(?!data:|#)/);
    expect(html).toContain('prefers-color-scheme: dark');
    expect(html).toContain('name="viewport"');
    for (const [tag] of html.matchAll(/<img [^>]*>/g)) expect(tag).toMatch(/alt="[^"]+"/);
    const drawings = [...html.matchAll(/<svg [^>]*>/g)];
    // Weights, cosines, losses, accuracies; strengths of each patch; of two bits accuracy, flips, oscillation, boundary range, two histograms.
    expect(drawings).toHaveLength(4 + results.corruptions.length + 6);
    for (const [tag] of drawings) expect(tag).toMatch(/role="img" aria-label="[^"]+"/);
  });

  it('leaves files that the commands of the README take, in their order', { timeout: 300_000 }, async () => {
    const readme = readFileSync(fileURLToPath(new URL('../../../README.md', import.meta.url)), 'utf8');
    const [, shown] = /^## On the command line$([\s\S]*?)^## /m.exec(readme)!;
    const commands = [...shown!.matchAll(/^npm run proj -- (.+)$/gm)].map(([, rest]) => rest!.split(' '));
    expect(commands.map(([name]) => name)).toEqual(['inspect', 'evaluate', 'patch', 'evaluate', 'unpatch']);
    for (const command of commands) await run(process.execPath, [proj, ...command, '--quiet'], { cwd: home });
    const restored = readFileSync(join(home, 'restored.safetensors'));
    expect(restored.equals(readFileSync(join(folder, 'standard.safetensors')))).toBe(true);
  });

  it('shows the numbers of this run', () => {
    for (const { standard, patched, robust } of results.corruptions) {
      for (const { corrupted } of [standard, patched, robust])
        expect(html).toContain(`>${corrupted.toFixed(1)}</td>`);
    }
    for (const { sha256 } of results.removal.after) expect(html).toContain(sha256);
  });
});

describe('bench', () => {
  it('refuses unknown corruptions and options, and says what there is', async () => {
    const refused = await run(process.execPath, [main, 'demo', '--corruption', 'rain']).catch(
      (error) => error,
    );
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('there is no corruption "rain" yet; choose from');
    const unknown = await run(process.execPath, [main, 'demo', '--sed', '1']).catch((error) => error);
    expect(unknown.stderr).toContain('Did you mean --seed?');
  });
});
