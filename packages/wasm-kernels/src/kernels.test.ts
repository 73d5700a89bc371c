import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ACTIVATION, createKernels } from './kernels.ts';

const GUARD = 12345;

/** Lays out A, B, FROM, C, bias and scratch with guards between, runs the product, and returns C; checks the guards. */
function run(
  memory: WebAssembly.Memory,
  shape: { m: number; n: number; k: number },
  layout: { rowA: number; columnA: number; rowB: number; columnB: number; rowC: number },
  options: { bias: boolean; low: number; high: number; from?: 'none' | 'elsewhere' | 'c' },
) {
  const { m, n, k } = shape;
  const kernels = createKernels(memory);
  const heap = new Float32Array(memory.buffer).fill(GUARD);
  let next = 1; // the first element stands for address 0, "no bias"
  const place = (elements: number): number => {
    const start = next;
    next += elements + 1;
    return start;
  };
  const extent = (rows: number, columns: number, row: number, column: number): number =>
    rows * columns === 0 ? 0 : (rows - 1) * row + (columns - 1) * column + 1;
  const a = place(extent(m, k, layout.rowA, layout.columnA));
  const b = place(extent(k, n, layout.rowB, layout.columnB));
  const bias = place(n);
  const elsewhere = place(extent(m, n, layout.rowC, 1));
  const c = place(extent(m, n, layout.rowC, 1));
  const scratch = place(kernels.productScratch(m, n, k) / 4);
  for (let i = 1; i < c; i++) heap[i] = Math.sin(i * i);
  const before = heap.slice(0, c);
  const from = { none: 0, elsewhere, c }[options.from ?? 'none'];
  if (from === c) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) heap[c + i * layout.rowC + j] = Math.cos(i * j);
    }
  }
  const start = heap.slice(from, from + extent(m, n, layout.rowC, 1));

  kernels.product(
    m,
    n,
    k,
    4 * a,
    4 * layout.rowA,
    4 * layout.columnA,
    4 * b,
    4 * layout.rowB,
    4 * layout.columnB,
    4 * c,
    4 * layout.rowC,
    4 * from,
    options.bias ? 4 * bias : 0,
    options.low,
    options.high,
    ACTIVATION.none,
    0,
    4 * scratch,
  );

  expect(before.every((value, i) => value === heap[i])).toBe(true);
  expect(heap[scratch - 1]).toBe(GUARD);
  expect(heap.subarray(next - 1, next + 64).every((value) => value === GUARD)).toBe(true);
  const received: number[] = [];
  const expected: number[] = [];
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = from === 0 ? 0 : start[i * layout.rowC + j]!;
      for (let l = 0; l < k; l++) {
        const product =
          heap[a + i * layout.rowA + l * layout.columnA]! * heap[b + l * layout.rowB + j * layout.columnB]!;
        sum = Math.fround(sum + Math.fround(product));
      }
      if (options.bias) sum = Math.fround(sum + heap[bias + j]!);
      expected.push(Math.min(Math.max(sum, options.low), options.high));
      received.push(heap[c + i * layout.rowC + j]!);
    }
    for (let gap = n; gap < layout.rowC && i + 1 < m; gap++)
      expect(heap[c + i * layout.rowC + gap]).toBe(GUARD);
  }
  return { received, expected };
}

const UNBOUNDED = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };

describe.each([
  ['a memory', new WebAssembly.Memory({ initial: 64 })],
  ['a shared memory', new WebAssembly.Memory({ initial: 64, maximum: 128, shared: true })],
])('product on %s', (_, memory) => {
  it('is the float32 sum over k in order, bit for bit, for every size, step, start, bias and bound', () => {
    const size = fc.integer({ min: 0, max: 23 });
    const steps = fc.constantFrom('rows', 'columns', 'apart');
    fc.assert(
      fc.property(
        size,
        size,
        size,
        steps,
        steps,
        fc.integer({ min: 0, max: 3 }),
        fc.boolean(),
        fc.boolean(),
        fc.constantFrom('none', 'elsewhere', 'c'),
        (m, n, k, stepsA, stepsB, gap, bias, clamp, from) => {
          const layout = (kind: string, rows: number, columns: number): [number, number] =>
            kind === 'rows'
              ? [columns + gap, 1]
              : kind === 'columns'
                ? [1, rows + gap]
                : [2 * columns + gap, 2];
          const [rowA, columnA] = layout(stepsA, m, k);
          const [rowB, columnB] = layout(stepsB, k, n);
          const bounds = clamp ? { low: -0.5, high: 1 } : UNBOUNDED;
          const { received, expected } = run(
            memory,
            { m, n, k },
            { rowA, columnA, rowB, columnB, rowC: n + gap },
            { bias, ...bounds, from },
          );
          expect(received).toEqual(expected);
        },
      ),
      { numRuns: 300, seed: 11 },
    );
  });

  it.each([
    [127, 33, 300],
    [7, 1050, 259],
    [1, 45, 520],
    [241, 1, 30],
    [5, 8, 256],
    [121, 1030, 20],
    [3, 30, 20],
  ])('holds across blocks: %i x %i x %i', (m, n, k) => {
    for (const flip of [false, true]) {
      const layout = flip
        ? { rowA: 1, columnA: m, rowB: 1, columnB: k, rowC: n }
        : { rowA: k, columnA: 1, rowB: n, columnB: 1, rowC: n };
      for (const bias of [false, true]) {
        for (const from of ['none', 'elsewhere', 'c'] as const) {
          const { received, expected } = run(memory, { m, n, k }, layout, { bias, ...UNBOUNDED, from });
          expect(received).toEqual(expected);
        }
      }
    }
  });

  it('needs no more than 1.2 MB of scratch', () => {
    expect(createKernels(memory).productScratch(1e6, 1e6, 1e6)).toBeLessThan(1.2e6);
  });
});

describe('the working memory that is asked for', () => {
  const kernels = createKernels(new WebAssembly.Memory({ initial: 1 }));

  it('is a number of bytes also where that is too large for a heap', () => {
    expect(kernels.attentionScratch(2 ** 15, 2 ** 15, 64, 64)).toBeGreaterThan(2 ** 32);
    expect(kernels.attentionScratch(24_000, 24_000, 64, 64)).toBeGreaterThan(2 ** 31);
    expect(kernels.quantizedAttentionScratch(23_171, 64, 64)).toBeGreaterThan(2 ** 32);
    expect(kernels.batchNormScratch(2 ** 27)).toBe(2 ** 32);
  });

  it("is enough for each of quantized attention's products, of few columns too", () => {
    for (const tokens of [5, 197, 11_000, 16_300]) {
      for (const [size, valueSize] of [
        [16, 24],
        [24, 16],
        [64, 64],
      ] as const) {
        const rest = kernels.quantizedAttentionScratch(tokens, size, valueSize) - 8 * tokens * tokens;
        for (const columns of [size, valueSize]) {
          expect(rest).toBeGreaterThanOrEqual(kernels.productScratch(tokens, tokens, columns));
          expect(rest).toBeGreaterThanOrEqual(kernels.productScratch(tokens, columns, tokens));
        }
      }
    }
  });
});
