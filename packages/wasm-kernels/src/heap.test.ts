import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { heapOf, type WasmBackend } from './heap.ts';
import './install.ts';

describe('heapOf', () => {
  it('is one for a backend, and gives scratch memory back when its user fails', async () => {
    await tf.setBackend('wasm');
    const backend = tf.backend() as unknown as WasmBackend;
    const heap = heapOf(backend);
    expect(heapOf(backend)).toBe(heap);
    const taken: number[] = [];
    for (let i = 0; i < 2; i++) {
      expect(() =>
        heap.withScratch(1 << 20, (offset) => {
          taken.push(offset);
          throw new Error('stop');
        }),
      ).toThrow('stop');
    }
    expect(taken[0]).toBe(taken[1]);
  });

  it('refuses a backend that is laid out differently', () => {
    const other = { wasm: { asm: {}, _malloc: () => 0, _free: () => {} } } as unknown as WasmBackend;
    expect(() => heapOf(other)).toThrow(expect.objectContaining({ code: 'WASM_KERNELS_NO_MEMORY' }));
  });
});

describe('tf.clone on wasm', () => {
  it('shares the data until the last of both is disposed', async () => {
    await tf.setBackend('wasm');
    const before = tf.memory();
    const x = tf.tensor1d([1, 2, 3]);
    const y = tf.clone(x);
    expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers + 1);
    x.dispose();
    expect([...y.dataSync()]).toEqual([1, 2, 3]);
    y.dispose();
    expect(tf.memory()).toEqual(before);
  });
});
