import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { heapMemory } from '../test/heap-memory.ts';
import { kernelReport } from './install.ts';

it('in a page that is cross-origin isolated the kernels work on the shared memory of the threaded build', async () => {
  expect(crossOriginIsolated).toBe(true);
  await tf.setBackend('wasm');
  expect(heapMemory().buffer).toBeInstanceOf(SharedArrayBuffer);
  expect(kernelReport().kernels).toContain('BatchMatMul');
  const a = tf.tensor3d([1, 2, 3, 4], [2, 1, 2]);
  expect([...tf.matMul(a, a, false, true).dataSync()]).toEqual([5, 25]);
});
