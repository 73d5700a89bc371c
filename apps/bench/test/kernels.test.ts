import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { KernelsConfig, KernelsResult } from '../src/kernels/measure-kernels.ts';
import type { Cell, RowResult } from '../src/kernels/results.ts';
import { until, workplace } from './bench-process.ts';

const { bench, start, folder, results } = workplace();

/** Few and small rows, in this Node, with engines that need no network. */
const kernels = (store: string, only: string, engines: string, rounds = 3) => [
  ...['run', 'kernels', '--store', store, '--set', `only=${only}`, '--set', `engines=${engines}`],
  ...['--set', `rounds=${rounds}`, '--set', 'node=this', '--backoff', '0.1'],
];

interface Stored {
  readonly identity: { readonly config: KernelsConfig };
  readonly result: KernelsResult;
}

/** What was measured, by the name of the group. */
function measured(store: string): Map<string, KernelsResult> {
  const stored = [...results(store)].filter(([path]) => path.endsWith('result.json'));
  return new Map(
    stored.map(([, base64]) => {
      const { identity, result } = JSON.parse(Buffer.from(base64, 'base64').toString()) as Stored;
      return [identity.config.group, result];
    }),
  );
}

/** The rows of a job that is under way. */
function savedRows(store: string): readonly RowResult[] | undefined {
  const jobs = join(folder, store, 'jobs');
  if (!existsSync(jobs)) return undefined;
  const file = readdirSync(jobs)
    .map((id) => join(jobs, id, 'scratch', 'rows.json'))
    .find((path) => existsSync(path));
  return file === undefined
    ? undefined
    : (JSON.parse(readFileSync(file, 'utf8')) as { rows: readonly RowResult[] }).rows;
}

function requireTimes(where: string, cell: Cell | undefined): Exclude<Cell, { missing: string }> {
  if (cell === undefined || 'missing' in cell) throw new Error(`${where}: ${cell?.missing ?? 'no cell'}`);
  return cell;
}

describe('bench run kernels', () => {
  it('times two engines in turns, whose results agree, and reports tables', async () => {
    const { code } = await bench(kernels('two', 'products', 'stock,reproducible'));
    expect(code).toBe(0);
    const { engines, group } = measured('two').get('products')!;
    expect(Object.keys(engines).sort()).toEqual(['reproducible', 'stock']);
    expect(engines.reproducible).toContain(`Node ${process.versions.node}`);
    expect(group.columns).toEqual(['stock', 'reproducible']);
    expect(group.rows).toHaveLength(5);
    for (const { name, clock, cells } of group.rows) {
      expect(clock).toBe('cpu');
      for (const column of group.columns) {
        const { seconds, rounds, flop } = requireTimes(name, cells[column]);
        expect(rounds).toHaveLength(3);
        expect(seconds.q1).toBeGreaterThan(0);
        expect(seconds.q3).toBeGreaterThanOrEqual(seconds.median);
        expect(flop).toBeGreaterThan(0);
      }
    }
    const report = readFileSync(
      join(folder, 'two', 'reports', readdirSync(join(folder, 'two', 'reports'))[0]!, 'report.md'),
      'utf8',
    );
    expect(report).toContain('DeiT-T q kᵀ (3 x 197 x 64 x 197)');
    expect(report).toContain('This is a first look');
    expect(report).not.toContain('reached');
  });

  it('counts what tensors take in an attention: less at the peak of DeiT-T where QKR is one step of the tape', async () => {
    await bench(kernels('attention', 'attention', 'reproducible', 1));
    const [row] = measured('attention').get('attention')!.group.rows;
    const bytes = (column: string) => requireTimes(column, row!.cells[column]).peakBytes!;
    expect(bytes('QKR, reproducible')).toBeGreaterThan(2 ** 20);
    expect(bytes('QKR, reproducible')).toBeLessThan(bytes('plain, reproducible') / 2);
  });

  it('runs every other kind of work with our kernels, in one thread and in two', {
    timeout: 300_000,
  }, async () => {
    await bench(kernels('ours', 'fused,inference,training,quantized,convolution', 'reproducible', 1));
    const cells = ['fused', 'inference', 'training', 'quantized', 'convolution'].flatMap((name) =>
      measured('ours')
        .get(name)!
        .group.rows.flatMap((row) =>
          Object.keys(row.cells)
            .sort()
            .map((column) => {
              requireTimes(`${name}: ${row.name}, ${column}`, row.cells[column]);
              return `${name}, ${column}, ${row.clock}`;
            }),
        ),
    );
    expect(cells).toEqual([
      ...Array<string>(6).fill('fused, reproducible, cpu'),
      'inference, reproducible, cpu',
      'training, reproducible, cpu',
      'training, reproducible, wall',
      'quantized, reproducible, cpu',
      'quantized, reproducible W2A2, cpu',
      'convolution, reproducible, cpu',
    ]);
    const step = measured('ours').get('training')!.group.rows[0]!.cells['reproducible'];
    expect(requireTimes('the step', step).heapBytes).toBeGreaterThanOrEqual(2 ** 24);
  });

  it('keeps the rows that were measured when it is killed with -9, and measures the others', async () => {
    const command = kernels('killed', 'fused', 'reproducible');
    const { child, ended } = start(command);
    const rows = await until(() => savedRows('killed'));
    child.kill('SIGKILL');
    await ended;
    expect((await bench(command)).code).toBe(0);
    const { group, engines } = measured('killed').get('fused')!;
    expect(group.rows).toHaveLength(6);
    expect(group.rows.slice(0, rows.length)).toEqual(rows);
    expect(engines.reproducible).toContain('@proj/wasm-kernels');
  });

  it('refuses what it does not know, and says what there is', async () => {
    for (const [setting, said] of [
      ['only=speed', 'choose from peaks, products'],
      ['engines=abacus', 'choose from stock, cpu, reproducible'],
      ['rounds=0', 'positive integer'],
    ] as const) {
      const refused = await bench(['plan', 'kernels', '--set', setting]);
      expect(refused.code).not.toBe(0);
      expect(refused.stderr).toContain(said);
    }
  });
});
