import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@proj/ops/gradients';
import { describe, expect, it } from 'vitest';
import { agree, values } from '../test/backends.ts';
import './install.ts';

describe("tf.cumsum and tf.cumprod on wasm, in place of tfjs's kernels", () => {
  it.each([
    ['cumsum', tf.cumsum],
    ['cumprod', tf.cumprod],
  ] as const)(
    'take an axis that is counted from the end, where tfjs overwrites its heap: %s',
    async (_, run) => {
      for (const [exclusive, reverse] of [
        [false, false],
        [true, true],
      ] as const) {
        for (const axis of [0, 1, 2]) {
          const x = () => values([2, 3, 4], 1);
          await agree(() => run(x(), axis, exclusive, reverse));
          const counted = run(x(), axis - 3, exclusive, reverse);
          expect(counted.shape).toEqual([2, 3, 4]);
          expect(counted.dataSync()).toEqual(run(x(), axis, exclusive, reverse).dataSync());
        }
      }
    },
  );

  it('are differentiated for such an axis', async () => {
    await tf.setBackend('wasm');
    const x = values([2, 3], 1);
    const gradient = (axis: number) =>
      tf
        .grad((x) => tf.sum(tf.square(tf.cumsum(x, axis))))(x)
        .dataSync();
    expect(gradient(-1)).toEqual(gradient(1));
  });
});
