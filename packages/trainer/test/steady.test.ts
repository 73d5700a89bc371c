import '@proj/ops/gradients';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import '@tensorflow/tfjs-backend-wasm';
import { backend, memory, setBackend } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { adamw, tapeGradients, train } from '../src/index.ts';
import { mlpBuffers, mlpLoss, mlpParameters, noisyPatterns } from './mlp.mjs';

/** What tfjs-wasm's module offers beyond its types. */
interface Heap {
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(address: number): void;
}

/** Counts allocations on the heap that were not freed. */
function countAllocations(heap: Heap): () => number {
  const open = new Set<number>();
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

describe('on tfjs-wasm', () => {
  beforeAll(() => setBackend('wasm'));

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
    const seen: ReturnType<typeof measure>[] = [];
    for await (const event of run(1, 300)) if (event.kind === 'step') seen.push(measure());
    expect(seen).toHaveLength(300);
    // From the second step on: the first one allocates what stays (moments).
    expect(new Set(seen.slice(1).map((entry) => JSON.stringify(entry))).size).toBe(1);
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
