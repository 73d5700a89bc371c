import { adamwStep, globalNorm, sgdStep } from '@proj/ops';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { WasmBackend } from './heap.ts';
import { install } from './install.ts';

const backend = (): WasmBackend => tf.backend() as unknown as WasmBackend;
const address = (tensor: tf.Tensor): number => backend().dataIdMap.get(tensor.dataId).memoryOffset;
const valuesOf = (tensors: readonly tf.Tensor[]): number[][] =>
  tensors.map((tensor) => [...(tensor.dataSync() as Float32Array)]);

beforeEach(async () => {
  await tf.setBackend('wasm');
  install();
});

const ADAMW = { learningRate: 0.01, step: 3, betas: [0.9, 0.99], eps: 1e-8 } as const;
const SGD = { learningRate: 0.1, momentum: 0.9, weightDecay: 0.1 };

/** Gradients, parameters and two moments: for each parameter four arrays of one size, any float32 among them. */
const lists = fc.array(
  fc
    .integer({ min: 0, max: 21 })
    .chain((size) =>
      fc.tuple(...[1, 2, 3, 4].map(() => fc.float32Array({ minLength: size, maxLength: size }))),
    ),
  { maxLength: 5 },
);

/** The new values of a step, on the backend in force. */
function afterAdamw(values: readonly (readonly Float32Array[])[]): number[][] {
  const list = (which: number): tf.Tensor[] => values.map((arrays) => tf.tensor1d(arrays[which]!));
  const [parameters, gradients, expAvgs, expAvgSqs] = [list(0), list(1), list(2), list(3)];
  const weightDecays = values.map((_, i) => (i % 2) * 0.1);
  const next = adamwStep({ parameters, gradients, expAvgs, expAvgSqs }, { ...ADAMW, weightDecays });
  return valuesOf([...next.parameters, ...next.expAvgs, ...next.expAvgSqs]);
}

function afterSgd(
  values: readonly (readonly Float32Array[])[],
  hasMomentum: boolean,
  weightDecay: number,
): number[][] {
  const list = (which: number): tf.Tensor[] => values.map((arrays) => tf.tensor1d(arrays[which]!));
  const momentumBuffers = hasMomentum ? list(2) : undefined;
  const next = sgdStep({ parameters: list(0), gradients: list(1), momentumBuffers }, { ...SGD, weightDecay });
  return valuesOf([...next.parameters, ...(next.momentumBuffers ?? [])]);
}

/** On wasm without our kernel, and on the cpu backend. */
async function composed(kernel: string, step: () => number[][]): Promise<number[][][]> {
  tf.unregisterKernel(kernel, 'wasm');
  const results = [step()];
  install();
  await tf.setBackend('cpu');
  results.push(step());
  await tf.setBackend('wasm');
  return results;
}

describe('the kernels of the optimizers have the bits of the composed form, NaN, infinities and denormals included', () => {
  it('adamwStep', async () => {
    await fc.assert(
      fc.asyncProperty(lists, async (values) => {
        const received = afterAdamw(values);
        for (const expected of await composed('proj.AdamW', () => afterAdamw(values))) {
          expect(received).toEqual(expected);
        }
      }),
      { numRuns: 100, seed: 3 },
    );
  });

  it('sgdStep', async () => {
    await fc.assert(
      fc.asyncProperty(
        lists,
        fc.boolean(),
        fc.constantFrom(0, 1e-50, 0.1),
        async (values, hasMomentum, weightDecay) => {
          const step = () => afterSgd(values, hasMomentum, weightDecay);
          const received = step();
          for (const expected of await composed('proj.Sgd', step)) expect(received).toEqual(expected);
        },
      ),
      { numRuns: 100, seed: 4 },
    );
  });
});

describe('globalNorm on our kernel', () => {
  const norm = (...values: Float32Array[]): number =>
    tf.tidy(() => globalNorm(values.map((some) => tf.tensor1d(some))).dataSync()[0]!);

  it('is the float64 norm rounded to float32, as long as that can hold it', () => {
    const finite = fc.float32Array({ maxLength: 40, noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(fc.array(finite, { minLength: 1, maxLength: 5 }), (values) => {
        const expected = Math.fround(
          Math.sqrt(values.flatMap((some) => [...some]).reduce((a, x) => a + x * x, 0)),
        );
        const difference = expected === norm(...values) ? 0 : norm(...values) / expected - 1;
        // A float64 sum in another order may round to the other neighbour.
        expect(Math.abs(difference)).toBeLessThan(2 ** -23);
      }),
      { numRuns: 200, seed: 6 },
    );
  });

  it('loses nothing where float32 sums do: a million equal elements, squares beyond float32', () => {
    expect(norm(new Float32Array(1 << 20).fill(0.1))).toBe(Math.fround(Math.fround(0.1) * 1024));
    expect(norm(Float32Array.of(3e30, 0, 0), Float32Array.of(4e30))).toBe(Math.fround(5e30));
    expect(norm(Float32Array.of(3e-30, 0, 4e-30, 0, 0))).toBe(Math.fround(5e-30));
  });

  it('is not finite where an element is not, wherever it stands', () => {
    for (let i = 0; i < 9; i++) {
      const values = new Float32Array(9).fill(1);
      values[i] = Number.NaN;
      expect(norm(values)).toBeNaN();
      values[i] = Number.NEGATIVE_INFINITY;
      expect(norm(values)).toBe(Number.POSITIVE_INFINITY);
    }
  });
});

describe('a step is taken in place', () => {
  const step = (parameter: tf.Tensor, gradient: tf.Tensor = tf.onesLike(parameter)): tf.Tensor => {
    const settings = { learningRate: 1, momentum: 0, weightDecay: 0 };
    return sgdStep({ parameters: [parameter], gradients: [gradient], momentumBuffers: undefined }, settings)
      .parameters[0]!;
  };

  it('where nobody else sees the memory, which is then free again with the successor', () => {
    const before = tf.memory();
    const w = tf.tensor1d([1, 2, 3]);
    const at = address(w);
    const next = step(w);
    expect(address(next)).toBe(at);
    expect(w.isDisposed).toBe(true);
    expect([...next.dataSync()]).toEqual([0, 1, 2]);
    next.dispose();
    expect(tf.memory()).toEqual(before);
  });

  it.each<[string, (w: tf.Tensor) => tf.Tensor]>([
    ['a clone', (w) => tf.clone(w)],
    ['a reshaped tensor', (w) => tf.reshape(w, [3, 1])],
    ['a variable', (w) => tf.variable(w)],
  ])('and elsewhere where %s shares the memory', (_, share) => {
    const before = tf.memory();
    const w = tf.tensor1d([1, 2, 3]);
    const other = share(w);
    const next = step(w);
    expect(address(next)).not.toBe(address(other));
    expect([...next.dataSync()]).toEqual([0, 1, 2]);
    expect([...other.dataSync()]).toEqual([1, 2, 3]);
    tf.dispose([next, other]);
    expect(tf.memory()).toEqual(before);
  });

  it('and elsewhere where a tensor stands twice', () => {
    const before = tf.memory();
    const w = tf.tensor1d([1, 2, 3]);
    const { parameters } = sgdStep(
      { parameters: [w, w], gradients: [tf.onesLike(w), w], momentumBuffers: undefined },
      { learningRate: 1, momentum: 0, weightDecay: 0 },
    );
    expect(valuesOf(parameters)).toEqual([
      [0, 1, 2],
      [0, 0, 0],
    ]);
    tf.dispose([...parameters]);
    expect(tf.memory()).toEqual(before);
  });

  it('also for tensors that come from another backend', async () => {
    await tf.setBackend('cpu');
    const [w, gradient] = [tf.tensor1d([1, 2, 3]), tf.tensor1d([1, 1, 1])];
    await tf.setBackend('wasm');
    const next = step(w, gradient);
    expect([...next.dataSync()]).toEqual([0, 1, 2]);
    const at = address(next);
    expect(address(step(next))).toBe(at);
  });

  it('or not at all where there is no memory for what must stand elsewhere', () => {
    const shared = tf.tensor1d([1, 2, 3]);
    const tensors = () => [tf.tensor1d([4, 5, 6]), tf.clone(shared)];
    const [parameters, gradients, momentumBuffers] = [tensors(), tensors(), tensors()];
    const before = tf.memory();
    const { wasm } = backend();
    const malloc = wasm._malloc;
    let left = 1;
    // More than there can be, so that the heap itself says that it is full.
    wasm._malloc = (bytes) => malloc(left-- > 0 ? bytes : 2 ** 32 - 1);
    const take = () => sgdStep({ parameters, gradients, momentumBuffers }, SGD);
    expect(take).toThrow(expect.objectContaining({ code: 'WASM_KERNELS_OUT_OF_MEMORY' }));
    wasm._malloc = malloc;
    expect(tf.memory()).toEqual(before);
    expect(valuesOf([...parameters, ...momentumBuffers])).toEqual([
      [4, 5, 6],
      [1, 2, 3],
      [4, 5, 6],
      [1, 2, 3],
    ]);
    const at = address(parameters[0]!);
    expect(address(take().parameters[0]!)).toBe(at);
  });
});
