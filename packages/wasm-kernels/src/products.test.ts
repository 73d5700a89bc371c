import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { linear } from '@proj/ops';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { heapMemory } from '../test/heap-memory.ts';
import type { WasmBackend } from './heap.ts';
import './install.ts';

const wasm = (): WasmBackend => tf.backend() as unknown as WasmBackend;
const heapBytes = (): number => heapMemory().buffer.byteLength;

/** Repeatable values in [-1, 1]. */
function values(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.sin((i + 1) * (seed + 1.37)));
}

function tensor(shape: number[], seed: number): tf.Tensor {
  return tf.tensor(
    values(
      shape.reduce((a, b) => a * b, 1),
      seed,
    ),
    shape,
  );
}

/** Runs the same program on both backends. */
async function onBoth(program: () => tf.Tensor): Promise<{ wasm: tf.Tensor; cpu: tf.Tensor }> {
  await tf.setBackend('cpu');
  const cpu = program();
  cpu.dataSync();
  await tf.setBackend('wasm');
  return { wasm: program(), cpu };
}

function largestDifference(x: tf.Tensor, y: tf.Tensor): number {
  expect(x.shape).toEqual(y.shape);
  const [a, b] = [x.dataSync(), y.dataSync()];
  return Float64Array.from(a).reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0);
}

const product = (a: tf.Tensor, b: tf.Tensor): ArrayLike<number> => tf.matMul(a, b).dataSync();

beforeAll(async () => {
  await tf.setBackend('wasm');
});

describe("tf.matMul on wasm, in place of tfjs's kernel", () => {
  it("agrees with tfjs's cpu backend for random shapes, transposes and batches", async () => {
    const size = fc.integer({ min: 0, max: 40 });
    const batches = fc.constantFrom<[number[], number[]]>(
      [[], []],
      [[3], [3]],
      [[2, 3], []],
      [[], [4]],
      [[2, 3], [3]],
      [[5], [1]],
      [[0], [0]],
    );
    await fc.assert(
      fc.asyncProperty(
        size,
        size,
        size,
        batches,
        fc.boolean(),
        fc.boolean(),
        async (m, k, n, [batchA, batchB], ta, tb) => {
          const results = await onBoth(() =>
            tf.matMul(
              tensor([...batchA, ...(ta ? [k, m] : [m, k])], 1),
              tensor([...batchB, ...(tb ? [n, k] : [k, n])], 2),
              ta,
              tb,
            ),
          );
          expect(largestDifference(results.wasm, results.cpu)).toBeLessThan(1e-5);
        },
      ),
      { numRuns: 120, seed: 3 },
    );
  });

  it('repeats batches on both sides, which the stock kernels get wrong', () => {
    const [a, b] = [tensor([2, 1, 3, 4], 1), tensor([5, 4, 2], 2)];
    const whole = tf.matMul(a, b);
    expect(whole.shape).toEqual([2, 5, 3, 2]);
    for (let i = 0; i < 2; i++)
      for (let j = 0; j < 5; j++) {
        const one = tf.matMul(
          tf.reshape(tf.slice(a, [i, 0, 0, 0], [1, 1, 3, 4]), [3, 4]),
          tf.reshape(tf.slice(b, [j, 0, 0], [1, 4, 2]), [4, 2]),
        );
        expect(tf.reshape(tf.slice(whole, [i, j, 0, 0], [1, 1, 3, 2]), [3, 2]).dataSync()).toEqual(
          one.dataSync(),
        );
      }
  });

  it('gives a row the same bits alone, in a batch, and among others', () => {
    const [a, b] = [tensor([37, 50], 1), tensor([50, 29], 2)];
    const all = tf.matMul(a, b).dataSync();
    for (const row of [0, 4, 5, 36]) {
      expect(tf.matMul(tf.slice(a, [row, 0], [1, 50]), b).dataSync()).toEqual(
        all.slice(29 * row, 29 * row + 29),
      );
    }
    expect(tf.matMul(tf.reshape(a, [37, 1, 50]), b).dataSync()).toEqual(all);
    expect(tf.matMul(a, tf.transpose(b), false, true).dataSync()).toEqual(all);
    expect(tf.matMul(tf.transpose(a), b, true).dataSync()).toEqual(all);
  });

  it('passes NaN and infinity on to their row and column only', () => {
    const [a, b] = [values(9 * 6, 1), values(6 * 11, 2)];
    a[4 * 6 + 2] = Number.NaN;
    b[3 * 11 + 7] = Number.POSITIVE_INFINITY;
    const c = product(tf.tensor2d(a, [9, 6]), tf.tensor2d(b, [6, 11]));
    for (let i = 0; i < 9; i++)
      for (let j = 0; j < 11; j++) {
        const value = c[i * 11 + j]!;
        if (i === 4) expect(value).toBeNaN();
        else if (j === 7) expect(Math.abs(value)).toBe(Number.POSITIVE_INFINITY);
        else expect(Number.isFinite(value)).toBe(true);
      }
  });

  it('sees what was written in place, where XNNPACK would use its old copy', () => {
    const [a, b] = [tf.ones([4, 6]), tf.ones([6, 8])];
    expect(product(a, b)[0]).toBe(6);
    new Float32Array(heapMemory().buffer, wasm().dataIdMap.get(b.dataId).memoryOffset, 48).fill(2);
    expect(product(a, b)[0]).toBe(12);
    expect(tf.fused.matMul({ a, b, bias: tf.ones([8]) }).dataSync()[0]).toBe(13);
  });

  it('stays right while the memory grows', () => {
    const [a, b] = [tensor([33, 20], 1), tensor([20, 17], 2)];
    const first = product(a, b);
    const start = heapBytes();
    const ballast: tf.Tensor[] = [];
    for (let i = 0; i < 4; i++) {
      ballast.push(tf.fill([(24 << 20) >> 2, 1], i));
      expect(product(a, b)).toEqual(first);
      const inNewMemory = tf.matMul(tf.clone(tf.add(a, 0)), b);
      expect(inNewMemory.dataSync()).toEqual(first);
    }
    expect(heapBytes()).toBeGreaterThan(start);
    tf.dispose(ballast);
  });

  it('repeats 2,000 products with the same bits and without growth of tensors, heap or allocations', () => {
    const [a, b, bias] = [tensor([19, 300], 1), tensor([40, 300], 2), tensor([40], 3)];
    const { wasm: module } = wasm();
    const { _malloc: malloc, _free: free } = module;
    let open = 0;
    module._malloc = (bytes) => {
      open++;
      return malloc(bytes);
    };
    module._free = (offset) => {
      open--;
      free(offset);
    };
    const step = (): string =>
      tf.tidy(() => String(tf.sum(tf.add(tf.matMul(a, b, false, true), linear(a, b, bias))).dataSync()[0]));
    const first = step();
    const state = () => [tf.memory().numTensors, tf.memory().numBytes, heapBytes(), open];
    const before = state();
    for (let i = 0; i < 1000; i++) expect(step()).toBe(first);
    expect(state()).toEqual(before);
    Object.assign(module, { _malloc: malloc, _free: free });
  });

  it('raises an error where the heap is full, instead of writing to address 0', () => {
    const before = tf.memory().numTensors;
    const [column, row] = [tf.zeros([30_000, 1]), tf.zeros([1, 7000])];
    const ballast: tf.Tensor[] = [];
    const full = {
      code: 'WASM_KERNELS_OUT_OF_MEMORY',
      message: expect.stringContaining('no room for another 80'),
    };
    expect(() => {
      for (;;) ballast.push(untouched(800));
    }).toThrow(expect.objectContaining(full));
    expect(ballast.length).toBeGreaterThan(0);
    expect(() => tf.matMul(column, row)).toThrow(expect.objectContaining(full));
    tf.dispose([ballast, column, row]);
    expect(tf.memory().numTensors).toBe(before);
    expect(product(tf.tensor2d([[1, 2]]), tf.tensor2d([[3], [4]]))).toEqual(Float32Array.of(11));
  });

  it('refuses more bytes than a heap can have, instead of taking their number modulo 2^32', () => {
    const kept = tensor([64, 3], 1);
    const values = kept.dataSync();
    const before = tf.memory().numTensors;
    const [column, row] = [tf.ones([32_768, 1]), tf.ones([1, 32_768])];
    const tooLarge = {
      code: 'WASM_KERNELS_OUT_OF_MEMORY',
      message: expect.stringContaining('another 4096.0'),
    };
    expect(() => wasm().makeOutput([2 ** 30 + 16], 'float32')).toThrow(expect.objectContaining(tooLarge));
    expect(() => wasm().makeOutput([2 ** 30], 'float32')).toThrow(expect.objectContaining(tooLarge));
    expect(() => tf.matMul(column, row)).toThrow(expect.objectContaining(tooLarge));
    tf.dispose([column, row]);
    expect(tf.memory().numTensors).toBe(before);
    expect(kept.dataSync()).toEqual(values);
    expect(product(tf.tensor2d([[1, 2]]), tf.tensor2d([[3], [4]]))).toEqual(Float32Array.of(11));
  });

  it('refuses what it cannot multiply, with the shapes', () => {
    expect(() => tf.matMul(tf.zeros([2, 3]), tf.zeros([2, 3]))).toThrow(
      expect.objectContaining({ code: 'WASM_KERNELS_BAD_SHAPE' }),
    );
    expect(() => tf.matMul(tf.zeros([2, 3], 'int32'), tf.zeros([3, 2], 'int32'))).toThrow('got int32 [2,3]');
  });
});

/** A tensor of so many MiB that are allocated but not touched. */
function untouched(megabytes: number): tf.Tensor {
  return tf.engine().makeTensorFromTensorInfo(wasm().makeOutput([megabytes << 18], 'float32'));
}
