import { expect, it } from 'vitest';
import type { Cell, Measured, RowResult } from './results.ts';
import { spread } from './statistics.ts';
import { groupTable, reasons, targetTable } from './tables.ts';
import { verdicts } from './targets.ts';

const cell = (rounds: readonly number[], more: object = {}): Cell => ({
  seconds: spread(rounds),
  rounds,
  calls: 1,
  ...more,
});

const product = (name: string, tags: readonly string[], cells: RowResult['cells']): RowResult => ({
  name,
  tags,
  clock: 'cpu',
  cells,
});

function results(rows: readonly RowResult[], more: Partial<Measured> = {}): Measured {
  return {
    quick: false,
    rounds: 3,
    engines: { stock: 'tfjs-wasm' },
    groups: [{ name: 'products', title: 'Matrix products', note: 'GFLOP/s', columns: [], rows }],
    ...more,
  };
}

const transposed = 'transposed and batched products of ViT shapes, relaxed, speed against tfjs-wasm';
const slowest = 'slowest product against tfjs-wasm, of every shape and flavour';
const share = 'products, large shapes, relaxed, as share of the 128-bit FMA peak';
const verdict = (of: Measured, target: string) => verdicts(of).find((verdict) => verdict.target === target)!;

const fast = product('fast', ['large', 'transposed'], {
  // The machine slows down by half in the last round, for both.
  stock: cell([40, 40, 80]),
  relaxed: cell([1, 1, 2], { flop: 90 }),
  '128-bit FMA peak': cell([2, 2, 4], { flop: 200 }),
});
const slow = product('slow', ['attention', 'batched'], {
  stock: cell([10, 10, 10]),
  relaxed: cell([1, 1, 1]),
});

it('takes the geometric mean over the rows that a target speaks of, of ratios within rounds', () => {
  expect(verdict(results([fast, slow]), transposed)).toMatchObject({
    shown: '20.0x',
    wanted: '>= 20.0x',
  });
  expect(verdict(results([fast]), transposed)).toMatchObject({ shown: '40.0x', reached: true });
  expect(verdict(results([slow]), transposed)).toMatchObject({ shown: '10.0x', reached: false });
  expect(verdict(results([fast]), share)).toMatchObject({ shown: '90.0 %', reached: true });
});

it('finds the one shape that is slower than stock', () => {
  const slower = product('slower', ['small'], { stock: cell([9, 9, 9]), wide: cell([10, 10, 10]) });
  expect(verdict(results([fast, slow]), slowest)).toMatchObject({ shown: '10.0x', reached: true });
  expect(verdict(results([fast, slow, slower]), slowest)).toMatchObject({ shown: '0.90x', reached: false });
});

it('gives no verdict where an engine is missing in a row, nothing was measured, or sizes say nothing', () => {
  const absent = product('absent', ['large', 'transposed'], {
    stock: { missing: 'no such engine' },
    relaxed: cell([1, 1, 1]),
  });
  const none = { shown: 'not measured', measured: undefined, reached: undefined };
  expect(verdict(results([fast, absent]), transposed)).toMatchObject(none);
  expect(verdict(results([]), transposed)).toMatchObject(none);
  expect(verdict(results([fast], { quick: true }), transposed)).toMatchObject(none);
});

it('shows speeds, spreads, ratios and heaps in tables, the verdicts, and the reason for each empty cell', () => {
  const training = product('a step', ['1 thread'], {
    stock: { missing: 'no such engine' },
    relaxed: cell([0.01, 0.02, 0.04], { heapBytes: 512 * 2 ** 20 }),
  });
  const groups = [
    {
      name: 'products',
      title: 'Matrix products',
      note: 'GFLOP/s',
      columns: ['stock', 'relaxed', '128-bit FMA peak'],
      rows: [fast],
    },
    { name: 'training', title: 'Training', note: 'ms', columns: ['stock', 'relaxed'], rows: [training] },
  ] as const;
  const measured = results([], { groups });
  const [products, steps] = groups.map(groupTable);
  expect(products!.head).toEqual(['', 'tfjs-wasm', 'relaxed', '128-bit FMA peak', 'relaxed / tfjs-wasm']);
  const [[name, stock, relaxed, peak, ratio]] = products!.rows as [string[]];
  expect([name, ratio]).toEqual(['fast', '40.0x']);
  expect(stock).toMatch(/^[\d.]+ ±\d+%$/);
  expect([relaxed, peak]).toEqual(['0.00 ±25%', '0.00 ±25%']);
  expect(steps!.rows).toEqual([
    ['a step', '-', '20.0 ±38%', '-'],
    ['heap, MiB', '-', '512', ''],
  ]);
  expect(targetTable(measured).rows).toContainEqual([transposed, '>= 20.0x', '40.0x', 'reached']);
  expect(targetTable(measured).rows).toContainEqual([
    'the same, largest heap of our flavours',
    '<= 0.60 GiB',
    '0.50 GiB',
    'reached',
  ]);
  expect(reasons(measured)).toEqual(['tfjs-wasm: no such engine (training: a step)']);
});
