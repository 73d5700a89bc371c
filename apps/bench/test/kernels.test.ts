import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import type { Cell, KernelResults } from '../src/kernels/results.ts';

const run = promisify(execFile);
const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'proj-bench-test-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** The benchmark on its smallest sizes, in this Node, with engines that need no network. */
async function kernels(only: string, engines: string) {
  const [json, out] = [join(home, 'results.json'), join(home, 'results.md')];
  const options = ['--quick', '--rounds', '3', '--node', process.execPath, '--json', json, '--out', out];
  const { stdout, stderr } = await run(process.execPath, [
    ...[main, 'kernels', '--only', only, '--engines', engines, ...options],
  ]);
  return {
    results: JSON.parse(readFileSync(json, 'utf8')) as KernelResults,
    page: readFileSync(out, 'utf8'),
    stdout,
    stderr,
  };
}

function requireTimes(where: string, cell: Cell | undefined): Exclude<Cell, { missing: string }> {
  if (cell === undefined || 'missing' in cell) throw new Error(`${where}: ${cell?.missing ?? 'no cell'}`);
  return cell;
}

describe('bench kernels', () => {
  it('times two engines in turns, whose results agree, and writes tables and JSON', async () => {
    const { results, page, stdout, stderr } = await kernels('products', 'stock,reproducible');
    expect(results.schema).toBe('proj.bench.kernels/1');
    expect(Object.keys(results.engines)).toEqual(['stock', 'reproducible']);
    expect(results.engines.reproducible).toContain(`Node ${process.versions.node}`);
    const [products] = results.groups;
    expect(products!.rows.map(({ name }) => name)).toEqual([
      'quick: x Wᵀ (33 x 17 x 29)',
      'quick: q kᵀ (3 x 13 x 8 x 13)',
    ]);
    for (const { name, clock, cells } of products!.rows) {
      expect(clock).toBe('cpu');
      expect(Object.keys(cells)).toEqual(['stock', 'reproducible']);
      for (const cell of Object.values(cells)) {
        const { seconds, rounds, flop } = requireTimes(name, cell);
        expect(rounds).toHaveLength(3);
        expect(seconds.q1).toBeGreaterThan(0);
        expect(seconds.q3).toBeGreaterThanOrEqual(seconds.median);
        expect(flop).toBeGreaterThan(0);
      }
    }
    for (const text of [page, stdout]) expect(text).toContain('quick: q kᵀ (3 x 13 x 8 x 13)');
    expect(page).not.toContain('reached |');
    expect(stderr).toContain('products: quick');
  });

  it('runs every other kind of work with our kernels, in one thread and in two', {
    timeout: 300_000,
  }, async () => {
    const { results } = await kernels('fused,inference,training,quantized,convolution', 'reproducible');
    const names = results.groups.flatMap(({ name, rows }) =>
      rows.flatMap((row) =>
        Object.entries(row.cells).map(([column, cell]) => {
          requireTimes(`${name}: ${row.name}, ${column}`, cell);
          return `${name}, ${column}, ${row.clock}`;
        }),
      ),
    );
    expect(names).toEqual([
      ...Array<string>(6).fill('fused, reproducible, cpu'),
      'inference, reproducible, cpu',
      'training, reproducible, cpu',
      'training, reproducible, wall',
      'quantized, reproducible, cpu',
      'quantized, reproducible W2A2, cpu',
      'convolution, reproducible, cpu',
    ]);
    const step = results.groups.find(({ name }) => name === 'training')!.rows[0]!.cells['reproducible'];
    expect(requireTimes('the step', step).heapBytes).toBeGreaterThanOrEqual(2 ** 24);
  });

  it('refuses what it does not know, and says what there is', async () => {
    for (const [option, value, said] of [
      ['--only', 'speed', 'choose from peaks, products'],
      ['--engines', 'abacus', 'choose from stock, cpu, reproducible'],
      ['--rounds', '0', 'positive integer'],
    ] as const) {
      const refused = await run(process.execPath, [main, 'kernels', option, value]).catch((error) => error);
      expect(refused.code).toBe(2);
      expect(refused.stderr).toContain(said);
    }
  });
});
