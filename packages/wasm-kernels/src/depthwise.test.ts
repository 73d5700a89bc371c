import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agree, runKernel, values } from '../test/backends.ts';
import './install.ts';

const small = fc.integer({ min: 1, max: 3 });
const sizes = fc.record({
  batch: small,
  height: fc.integer({ min: 3, max: 8 }),
  width: fc.integer({ min: 3, max: 8 }),
  channels: fc.constantFrom(1, 2, 3, 4, 7, 16, 21, 32),
  multiplier: fc.constantFrom(1, 1, 2, 3, 5),
  filter: fc.tuple(small, small),
  steps: fc.tuple(small, small),
  isDilated: fc.boolean(),
  pad: fc.constantFrom('same', 'valid', [
    [0, 0],
    [0, 2],
    [1, 3],
    [0, 0],
  ]),
});

interface Case {
  readonly x: number[];
  readonly filter: number[];
  readonly attrs: {
    strides: [number, number];
    dilations: [number, number];
    pad: 'same' | 'valid';
    dimRoundingMode?: 'floor';
  };
}

const cases = sizes
  .map(({ batch, height, width, channels, multiplier, filter, steps, isDilated, pad }): Case => {
    const attrs = {
      strides: isDilated ? [1, 1] : steps,
      dilations: isDilated ? steps : [1, 1],
      pad,
      ...(typeof pad === 'object' ? { dimRoundingMode: 'floor' } : {}),
    } as Case['attrs'];
    return { x: [batch, height, width, channels], filter: [...filter, channels, multiplier], attrs };
  })
  .filter(({ x, filter, attrs }) => {
    const [, height, width] = outShape({ x, filter, attrs });
    return height > 0 && width > 0;
  });

function outShape({ x, filter, attrs }: Case): [number, number, number, number] {
  type Shape = [number, number, number, number];
  const { strides, dilations, pad, dimRoundingMode } = attrs;
  return tf.backend_util.computeConv2DInfo(
    x as Shape,
    filter as Shape,
    strides,
    dilations,
    pad,
    dimRoundingMode,
    true,
  ).outShape;
}

const dot = (a: tf.Tensor, b: tf.Tensor): number => tf.sum(tf.mul(a, b)).dataSync()[0]!;

describe("tf.depthwiseConv2d on wasm, in place of tfjs's kernel", () => {
  it("agrees with tfjs's cpu backend for random sizes, multipliers, strides, dilations and paddings", async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ x, filter, attrs }) => {
        await agree(() =>
          runKernel('DepthwiseConv2dNative', { x: values(x, 1), filter: values(filter, 2) }, attrs),
        );
      }),
      { numRuns: 120, seed: 3 },
    );
  });

  it('has gradients that agree with differences, also dilated (it is linear in each operand, so they are exact)', async () => {
    await tf.setBackend('wasm');
    fc.assert(
      fc.property(cases, (given) => {
        const { x, filter, attrs } = given;
        const shape = outShape(given);
        tf.tidy(() => {
          const [dy, images, weights] = [values(shape, 3), values(x, 1), values(filter, 2)];
          const convolve = (x: tf.Tensor, filter: tf.Tensor) =>
            runKernel('DepthwiseConv2dNative', { x, filter }, attrs);
          const dx = runKernel(
            'DepthwiseConv2dNativeBackpropInput',
            { dy, filter: weights },
            { ...attrs, inputShape: x },
          );
          const dFilter = runKernel(
            'DepthwiseConv2dNativeBackpropFilter',
            { x: images, dy },
            { ...attrs, filterShape: filter },
          );
          expect([dx.shape, dFilter.shape]).toEqual([x, filter]);
          for (const seed of [5, 6, 7]) {
            const [towards, away] = [values(x, seed), values(filter, seed)];
            expect(dot(dx, towards)).toBeCloseTo(dot(dy, convolve(towards, weights)), 3);
            expect(dot(dFilter, away)).toBeCloseTo(dot(dy, convolve(images, away)), 3);
          }
        });
      }),
      { numRuns: 100, seed: 4 },
    );
  });

  it.each(['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu', 'prelu'] as const)(
    'fused with a bias and an activation, agrees: %s',
    async (activation) => {
      for (const multiplier of [1, 2]) {
        const outputs = 18 * multiplier;
        await agree(() =>
          tf.fused.depthwiseConv2d({
            x: tf.mul(values([2, 5, 6, 18], 1), 4) as tf.Tensor4D,
            filter: values([3, 2, 18, multiplier], 2) as tf.Tensor4D,
            strides: 1,
            pad: 'same',
            bias: values([outputs], 3),
            activation,
            ...(activation === 'leakyrelu' ? { leakyreluAlpha: 0.3 } : {}),
            ...(activation === 'prelu' ? { preluActivationWeights: values([outputs], 4) } : {}),
          }),
        );
      }
    },
  );

  it('passes NaN on to the channel and the windows that hold it and to no others', async () => {
    await tf.setBackend('wasm');
    const x = tf.tensor4d([1, 10, Number.NaN, 20, 3, 30, 4, 40], [1, 1, 4, 2]);
    const y = tf.depthwiseConv2d(x, tf.ones([1, 2, 2, 1]) as tf.Tensor4D, 1, 'same');
    expect([...y.dataSync()]).toEqual([Number.NaN, 30, Number.NaN, 50, 7, 70, 4, 40]);
  });

  it('refuses what it cannot compute', async () => {
    await tf.setBackend('wasm');
    const [x, filter] = [tf.ones([1, 3, 3, 2]) as tf.Tensor4D, tf.ones([3, 3, 2, 1]) as tf.Tensor4D];
    expect(() =>
      tf.fused.depthwiseConv2d({ x, filter, strides: 1, pad: 'valid', bias: tf.ones([3]) }),
    ).toThrow();
    const attrs = { strides: 1, pad: 'valid' };
    expect(() => runKernel('DepthwiseConv2dNative', { x: tf.cast(x, 'int32'), filter }, attrs)).toThrow(
      expect.objectContaining({ code: 'WASM_KERNELS_BAD_DTYPE' }),
    );
    const tall = tf.ones([4, 3, 2, 1]);
    expect(() => runKernel('DepthwiseConv2dNative', { x, filter: tall }, attrs)).toThrow(
      expect.objectContaining({ code: 'WASM_KERNELS_BAD_SHAPE' }),
    );
  });
});
