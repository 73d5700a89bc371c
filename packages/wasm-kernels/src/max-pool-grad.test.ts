import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@proj/ops/gradients';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import './install.ts';

type Shape = [number, number, number, number];
type Pad = 'valid' | 'same' | [[number, number], [number, number], [number, number], [number, number]];

/** dx of max pooling on a backend, by the kernel that is registered there. */
async function gradient(
  backend: string,
  x: Float32Array,
  shape: Shape,
  pool: { filterSize: [number, number]; strides: [number, number]; pad: Pad },
): Promise<Float32Array> {
  await tf.setBackend(backend);
  return tf.tidy(() => {
    const input = tf.tensor4d(x, shape);
    const { filterSize, strides, pad } = pool;
    const { outShape } = tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad as 'valid');
    const size = outShape.reduce((a, b) => a * b, 1);
    const dy = tf.tensor(
      Float32Array.from({ length: size }, (_, i) => Math.cos(i)),
      outShape,
    );
    const dx = tf.engine().runKernel('MaxPoolGrad', { dy, input, output: dy }, pool) as tf.Tensor;
    expect(dx.shape).toEqual(shape);
    return dx.dataSync<'float32'>();
  });
}

describe("tf.maxPool's gradient on wasm, in place of tfjs's kernel", () => {
  it("agrees with tfjs's cpu backend for random sizes, filters, strides and paddings, also of negative values", async () => {
    const size = fc.integer({ min: 3, max: 9 });
    const small = fc.integer({ min: 1, max: 3 });
    const explicit: Pad = [
      [0, 0],
      [1, 0],
      [0, 1],
      [0, 0],
    ];
    const pads = fc.constantFrom<Pad>('valid', 'same', explicit);
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(small, size, size, small),
        fc.tuple(small, small),
        fc.tuple(small, small),
        pads,
        fc.constantFrom(-20, 0, 20),
        async (shape, filterSize, strides, pad, shift) => {
          // Few distinct values, so that a window often has its maximum more than once.
          const x = Float32Array.from(
            { length: shape.reduce((a, b) => a * b, 1) },
            (_, i) => shift + Math.round(5 * Math.sin(i * i)),
          );
          const pool = { filterSize, strides, pad };
          const [received, expected] = [
            await gradient('wasm', x, shape, pool),
            await gradient('cpu', x, shape, pool),
          ];
          expect(received.length).toBe(expected.length);
          for (const [i, value] of received.entries()) expect(value).toBeCloseTo(expected[i]!, 5);
        },
      ),
      { numRuns: 150, seed: 11 },
    );
  });

  it('is what @proj/ops/gradients then allows, and still refuses in three dimensions', async () => {
    await tf.setBackend('wasm');
    const x = tf.tensor([-4, -1, -2, -3, -8, -7, -6, -5]);
    const dx = tf.grad((x) => tf.sum(tf.maxPool(tf.reshape(x, [1, 2, 4, 1]) as tf.Tensor4D, 2, 2, 'valid')))(
      x,
    );
    expect([...dx.dataSync()]).toEqual([0, 1, 1, 0, 0, 0, 0, 0]);
    const volume = (x: tf.Tensor) =>
      tf.sum(tf.maxPool3d(tf.reshape(x, [1, 2, 2, 2, 1]) as tf.Tensor5D, 1, 1, 'valid'));
    expect(() => tf.grad(volume)(x)).toThrow(expect.objectContaining({ code: 'OPS_WRONG_KERNEL' }));
  });

  it('goes to a NaN where there is one, and to the first of infinities', async () => {
    const x = Float32Array.of(1, Number.NaN, 3, 4, -Infinity, -Infinity, -Infinity, -Infinity);
    const pool = { filterSize: [1, 4], strides: [1, 4], pad: 'valid' };
    const dx = await gradient('wasm', x, [1, 1, 8, 1], pool as Parameters<typeof gradient>[3]);
    expect([...dx]).toEqual([0, 1, 0, 0, Math.fround(Math.cos(1)), 0, 0, 0]);
  });
});
