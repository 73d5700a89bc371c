import '@proj/ops/gradients';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import '@tensorflow/tfjs-backend-wasm';
import { backend, eye, matMul, memory, setBackend, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { adamw, evaluate, tapeGradients, train } from '../src/index.ts';
import { mlpBuffers, mlpLogits, mlpLoss, mlpParameters, noisyPatterns } from './mlp.mjs';

/** What tfjs-wasm's module offers beyond its types. */
interface Heap {
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(address: number): void;
}

const LARGE_BLOCK = 2 ** 20;

/** Counts allocations on the heap that were not freed. */
function countAllocations(heap: Heap): () => number {
  const open = new Set<number>();
  // Emscripten puts the real functions in place when they are first called, over whatever stands there.
  heap._free(heap._malloc(1));
  const { _malloc, _free } = heap;
  heap._malloc = (bytes) => {
    const address = _malloc(bytes);
    open.add(address);
    return address;
  };
  heap._free = (address) => {
    open.delete(address);
    _free(address);
  };
  return () => open.size;
}

function run(seed: number, steps: number) {
  return train({
    parameters: mlpParameters(seed, 32),
    buffers: mlpBuffers(),
    valueAndGradients: tapeGradients(mlpLoss),
    optimizer: adamw({ learningRate: 0.01 }),
    epochs: steps / 20,
    stepsPerEpoch: 20,
    batch: (epoch, step) => noisyPatterns(seed, 16, epoch, step),
    checkpoints: { store: { save: async () => 'nowhere' }, everySteps: 20 },
  });
}

describe.each(['the stock kernels', 'the kernels of this project'])('on tfjs-wasm with %s', (kernels) => {
  beforeAll(async () => {
    await setBackend('wasm');
    if (kernels !== 'the stock kernels') (await import('@proj/wasm-kernels/install')).install();
    // The kernels put a malloc of their own in place at the first product, before ours counts.
    tidy(() => matMul(eye(2), eye(2)));
  });

  it('300 steps add no tensor, no byte, no open allocation and no heap', async () => {
    const heap = (backend() as BackendWasm).wasm as unknown as Heap;
    const openAllocations = countAllocations(heap);
    const measure = () => ({
      tensors: memory().numTensors,
      buffers: memory().numDataBuffers,
      bytes: memory().numBytes,
      heapBytes: heap.HEAPU8.length,
      allocations: openAllocations(),
    });
    // Where a large block fits: behind everything. It creeps up when C++ keeps what JavaScript does not see.
    const endOfUse = () => {
      const address = heap._malloc(LARGE_BLOCK);
      heap._free(address);
      return address;
    };
    const ends: number[] = [];
    const seen: ReturnType<typeof measure>[] = [];
    for await (const event of run(1, 300)) {
      if (event.kind !== 'step') continue;
      seen.push(measure());
      ends.push(endOfUse());
    }
    expect(seen).toHaveLength(300);
    // The counter counts: parameters, moments and a buffer at least.
    expect(seen[0]!.allocations).toBeGreaterThanOrEqual(3 * 6 + 1);
    const highest = (from: number) => Math.max(...ends.slice(from, from + 150));
    // One copy of the weights kept at each step would be a megabyte.
    expect(highest(150) - highest(0)).toBeLessThan(100_000);
    // From the second step on: the first one allocates what stays (moments).
    expect(new Set(seen.slice(1).map((entry) => JSON.stringify(entry))).size).toBe(1);
  });

  it('ten noisy patterns are learned to over 95 %', async () => {
    for await (const event of run(1, 120)) {
      if (event.kind !== 'done') continue;
      const forward = (images: Tensor) => mlpLogits(event.parameters, images);
      const { top1 } = await evaluate({ forward, batches: [noisyPatterns(1, 500, 'test')] });
      expect(top1).toBeGreaterThan(0.95);
    }
    expect.assertions(1);
  });

  it('the same seed gives the same SHA-256, another seed another', async () => {
    const sha256 = async (seed: number) => {
      for await (const event of run(seed, 40)) if (event.kind === 'done') return event.sha256;
      return undefined;
    };
    const first = await sha256(1);
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(await sha256(1)).toBe(first);
    expect(await sha256(2)).not.toBe(first);
  });
});
