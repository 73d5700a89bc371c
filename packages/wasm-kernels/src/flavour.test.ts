import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { availableFlavour } from './flavour.ts';
import { install, kernelReport } from './install.ts';
import { ACTIVATION, createKernels } from './kernels.ts';
import type { Flavour } from './module.ts';

const memory = new WebAssembly.Memory({ initial: 64 });
const heap = new Float32Array(memory.buffer);
const relaxed = availableFlavour('relaxed') === 'relaxed';
const flavours: Flavour[] = relaxed ? ['reproducible', 'relaxed', 'wide'] : ['reproducible'];

interface Case {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly from: boolean;
  readonly bias: boolean;
  readonly activation: keyof typeof ACTIVATION;
}

/** C and what is kept beside it, for contiguous operands of repeatable values. */
function run(flavour: Flavour, { m, n, k, from, bias, activation }: Case) {
  const kernels = createKernels(memory, flavour);
  let next = 1;
  const place = (size: number): number => {
    next += size;
    return next - size;
  };
  const [a, b, start, biases, beside, c] = [m * k, k * n, m * n, n, m * n, m * n].map(place) as number[];
  const scratch = place(kernels.productScratch(m, n, k) / 4);
  for (let i = 1; i < c!; i++) heap[i] = Math.sin(i * 1.37);
  const inputs = heap.slice(0, c);
  kernels.product(
    m,
    n,
    k,
    4 * a!,
    4 * k,
    4,
    4 * b!,
    4 * n,
    4,
    4 * c!,
    4 * n,
    from ? 4 * start! : 0,
    bias ? 4 * biases! : 0,
    Number.NEGATIVE_INFINITY,
    Number.POSITIVE_INFINITY,
    ACTIVATION[activation],
    4 * beside!,
    4 * scratch,
  );
  const sums = Float64Array.from({ length: m * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    let sum = (from ? inputs[start! + at]! : 0) + (bias ? inputs[biases! + j]! : 0);
    for (let l = 0; l < k; l++) sum += inputs[a! + i * k + l]! * inputs[b! + l * n + j]!;
    return sum;
  });
  return {
    result: heap.slice(c, c! + m * n),
    beside: heap.slice(beside, beside! + m * n),
    sums,
    factors: inputs.slice(beside, beside! + m * n),
  };
}

/** Φ(x) by Simpson's rule, and φ(x). */
const bell = (x: number): number => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
function cumulative(x: number): number {
  const steps = 400;
  let sum = bell(0) + bell(x);
  for (let i = 1; i < steps; i++) sum += (i % 2 === 1 ? 4 : 2) * bell((i * x) / steps);
  return 0.5 + (sum * x) / (3 * steps);
}

const size = fc.integer({ min: 1, max: 40 });
const cases = fc.record({
  m: size,
  n: size,
  k: fc.integer({ min: 1, max: 300 }),
  from: fc.boolean(),
  bias: fc.boolean(),
  activation: fc.constantFrom<keyof typeof ACTIVATION>('none', 'gelu', 'times'),
});

describe.each(flavours)('the %s flavour', (flavour) => {
  it('agrees with float64 sums, and with GELU and its slope of them, to 1e-4 of the largest', () => {
    fc.assert(
      fc.property(cases, (c) => {
        const { result, beside, sums, factors } = run(flavour, c);
        const expected = sums.map((sum, i) => {
          if (c.activation === 'none') return sum;
          if (c.activation === 'gelu') return sum * cumulative(sum);
          return sum * factors[i]!;
        });
        const tolerance = 1e-4 * sums.reduce((most, sum) => Math.max(most, Math.abs(sum)), 1);
        for (const [i, value] of result.entries()) {
          expect(Math.abs(value - expected[i]!)).toBeLessThan(tolerance);
          if (c.activation !== 'gelu') continue;
          const slope = cumulative(sums[i]!) + sums[i]! * bell(sums[i]!);
          expect(Math.abs(beside[i]! - slope)).toBeLessThan(tolerance);
        }
      }),
      { numRuns: 60, seed: 4 },
    );
  });

  it('gives a row the same bits alone and among others', () => {
    const kernels = createKernels(memory, flavour);
    const [a, b, c, d, scratch] = [4, 4 + 4 * 37 * 50, 40_000, 60_000, 80_000];
    for (let i = 1; i < 10_000; i++) heap[i] = Math.cos(i);
    const tail = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 0, 0, scratch] as const;
    kernels.product(37, 29, 50, a, 200, 4, b, 116, 4, c, 116, 0, 0, ...tail);
    for (const row of [0, 5, 11, 36]) {
      kernels.product(1, 29, 50, a + 200 * row, 200, 4, b, 116, 4, d, 116, 0, 0, ...tail);
      expect(heap.slice(d / 4, d / 4 + 29)).toEqual(heap.slice(c / 4 + 29 * row, c / 4 + 29 * row + 29));
    }
  });
});

describe.runIf(relaxed)('fused multiply-add', () => {
  it('has the same bits in narrow and in wide tiles', () => {
    fc.assert(
      fc.property(cases, (c) => {
        expect(run('wide', c).result).toEqual(run('relaxed', c).result);
      }),
      { numRuns: 60, seed: 5 },
    );
  });
});

describe('install({ flavour })', () => {
  afterAll(() => install({ flavour: 'auto' }));

  it('puts a flavour in force, for backends that run already, and keeps it until another is asked for', async () => {
    await tf.setBackend('wasm');
    const [a, b] = [
      tf.randomNormal([9, 300], 0, 1, 'float32', 1),
      tf.randomNormal([300, 7], 0, 1, 'float32', 2),
    ];
    const product = (flavour: Flavour) => {
      install({ flavour });
      return tf.tidy(() => tf.matMul(a, b).dataSync());
    };
    const reproducible = product('reproducible');
    expect(kernelReport().flavour).toBe('reproducible');
    install();
    expect(kernelReport().flavour).toBe('reproducible');
    if (relaxed) {
      const fused = product('relaxed');
      expect(kernelReport().flavour).toBe('relaxed');
      expect(fused).not.toEqual(reproducible);
      for (const [i, value] of fused.entries()) expect(value).toBeCloseTo(reproducible[i]!, 4);
    }
    expect(product('reproducible')).toEqual(reproducible);
    tf.dispose([a, b]);
  });

  it('takes the next best where the wish cannot be had', () => {
    install({ flavour: 'wide' });
    expect(relaxed ? ['wide', 'relaxed'] : ['reproducible']).toContain(kernelReport().flavour);
  });
});
