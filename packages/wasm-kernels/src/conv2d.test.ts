import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agree, runKernel, values } from '../test/backends.ts';
import type { WasmBackend } from './heap.ts';
import './install.ts';

type Pad = 'valid' | 'same' | number | [[0, 0], [number, number], [number, number], [0, 0]];

const small = fc.integer({ min: 1, max: 3 });
const channels = fc.integer({ min: 1, max: 9 });
const shapes = fc.record({
  batch: small,
  height: fc.integer({ min: 1, max: 10 }),
  width: fc.integer({ min: 1, max: 10 }),
  inputs: channels,
  outputs: channels,
  filter: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
  steps: fc.tuple(small, small),
  pad: fc.constantFrom<Pad>('valid', 'same', 1, [
    [0, 0],
    [0, 3],
    [2, 1],
    [0, 0],
  ]),
});

/** The output's shape; nothing where the filter does not fit into the padded images. */
function outShape(
  x: number[],
  filter: number[],
  strides: [number, number],
  dilations: [number, number],
  pad: Pad,
): number[] | undefined {
  type Shape = [number, number, number, number];
  const { outHeight, outWidth, outShape } = tf.backend_util.computeConv2DInfo(
    x as Shape,
    filter as Shape,
    strides,
    dilations,
    pad,
    pad === 1 ? 'floor' : undefined,
  );
  return outHeight > 0 && outWidth > 0 ? outShape : undefined;
}

const rounding = (pad: Pad) => (typeof pad === 'object' || pad === 1 ? { dimRoundingMode: 'floor' } : {});

describe("tf.conv2d on wasm, in place of tfjs's kernel", () => {
  it("agrees with tfjs's cpu backend for random sizes, strides, dilations and paddings", async () => {
    await fc.assert(
      fc.asyncProperty(shapes, fc.boolean(), async (sizes, isDilated) => {
        const x = [sizes.batch, sizes.height, sizes.width, sizes.inputs];
        const filter = [...sizes.filter, sizes.inputs, sizes.outputs];
        const strides: [number, number] = isDilated ? [1, 1] : sizes.steps;
        const dilations: [number, number] = isDilated ? sizes.steps : [1, 1];
        fc.pre(outShape(x, filter, strides, dilations, sizes.pad) !== undefined);
        const attrs = { strides, dilations, pad: sizes.pad, dataFormat: 'NHWC', ...rounding(sizes.pad) };
        await agree(() => runKernel('Conv2D', { x: values(x, 1), filter: values(filter, 2) }, attrs));
      }),
      { numRuns: 150, seed: 1 },
    );
  });

  it("has the gradients of tfjs's cpu backend", async () => {
    await fc.assert(
      fc.asyncProperty(shapes, async (sizes) => {
        const x = [sizes.batch, sizes.height, sizes.width, sizes.inputs];
        const filter = [...sizes.filter, sizes.inputs, sizes.outputs];
        const { steps: strides, pad } = sizes;
        const y = outShape(x, filter, strides, [1, 1], pad);
        fc.pre(y !== undefined);
        const attrs = { strides, pad, dataFormat: 'NHWC', ...rounding(pad) };
        await agree(() =>
          runKernel(
            'Conv2DBackpropInput',
            { dy: values(y!, 3), filter: values(filter, 2) },
            { ...attrs, inputShape: x },
          ),
        );
        await agree(() =>
          runKernel(
            'Conv2DBackpropFilter',
            { x: values(x, 1), dy: values(y!, 3) },
            { ...attrs, filterShape: filter },
          ),
        );
      }),
      { numRuns: 100, seed: 2 },
    );
  });

  it('agrees where the windows take several blocks, and where there is no image at all', async () => {
    for (const [batch, size] of [
      [2, 21],
      [0, 5],
    ] as const) {
      const [x, filter, y] = [
        [batch, size, size, 30],
        [3, 3, 30, 5],
        [batch, size, size, 5],
      ];
      const attrs = { strides: [1, 1], dilations: [1, 1], pad: 'same', dataFormat: 'NHWC' };
      await agree(() => runKernel('Conv2D', { x: values(x, 1), filter: values(filter, 2) }, attrs));
      await agree(() =>
        runKernel(
          'Conv2DBackpropInput',
          { dy: values(y, 3), filter: values(filter, 2) },
          { ...attrs, inputShape: x },
        ),
      );
      await agree(() =>
        runKernel(
          'Conv2DBackpropFilter',
          { x: values(x, 1), dy: values(y, 3) },
          { ...attrs, filterShape: filter },
        ),
      );
    }
  });

  it('transposed, agrees too', async () => {
    await agree(() =>
      tf.conv2dTranspose(
        values([2, 4, 5, 3], 1) as tf.Tensor4D,
        values([3, 2, 4, 3], 2) as tf.Tensor4D,
        [2, 8, 10, 4],
        2,
        'same',
      ),
    );
  });

  it.each(['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu', 'prelu'] as const)(
    'fused with a bias and an activation, agrees: %s',
    async (activation) => {
      await agree(() =>
        tf.fused.conv2d({
          x: tf.mul(values([2, 5, 6, 3], 1), 4) as tf.Tensor4D,
          filter: values([3, 2, 3, 7], 2) as tf.Tensor4D,
          strides: 1,
          pad: 'same',
          bias: values([7], 3),
          activation,
          ...(activation === 'leakyrelu' ? { leakyreluAlpha: 0.3 } : {}),
          ...(activation === 'prelu' ? { preluActivationWeights: values([7], 4) } : {}),
        }),
      );
    },
  );

  it('reads a filter that was written in place anew', async () => {
    await tf.setBackend('wasm');
    const x = values([1, 4, 4, 3], 1) as tf.Tensor4D;
    const filter = values([3, 3, 3, 2], 2) as tf.Tensor4D;
    const run = () => tf.conv2d(x, filter, 1, 'same').dataSync();
    const before = run();
    const backend = tf.backend() as unknown as WasmBackend & {
      typedArrayFromHeap(x: tf.Tensor): Float32Array;
    };
    const live = backend.typedArrayFromHeap(filter);
    for (const [i, value] of live.entries()) live[i] = -2 * value;
    expect([...run()]).toEqual([...before].map((value) => -2 * value));
  });

  it('passes NaN and infinity on to the outputs and gradients that depend on them and to no others', async () => {
    await tf.setBackend('wasm');
    const x = tf.tensor4d([1, 2, Number.NaN, 4, 5], [1, 1, 5, 1]);
    const ones = tf.ones([1, 2, 1, 1]) as tf.Tensor4D;
    expect([...tf.conv2d(x, ones, 1, 'valid').dataSync()]).toEqual([3, Number.NaN, Number.NaN, 9]);
    const dy = tf.tensor4d([1, Infinity, Number.NaN, 4], [1, 1, 4, 1]);
    const attrs = { strides: [1, 1], pad: 'valid', dataFormat: 'NHWC' };
    const dx = runKernel('Conv2DBackpropInput', { dy, filter: ones }, { ...attrs, inputShape: [1, 1, 5, 1] });
    expect([...dx.dataSync()]).toEqual([1, Infinity, Number.NaN, Number.NaN, 4]);
    const clamped = tf.fused.conv2d({ x, filter: ones, strides: 1, pad: 'valid', activation: 'relu6' });
    expect([...clamped.dataSync()]).toEqual([3, Number.NaN, Number.NaN, 6]);
  });

  it('refuses what it cannot compute', async () => {
    await tf.setBackend('wasm');
    const x = tf.ones([1, 3, 3, 2]) as tf.Tensor4D;
    const filter = tf.ones([3, 3, 2, 4]) as tf.Tensor4D;
    expect(() => tf.conv2d(tf.ones([1, 2, 3, 3]) as tf.Tensor4D, filter, 1, 'valid', 'NCHW')).toThrow(
      'got NCHW; bring them there with tf.transpose(x, [0, 2, 3, 1])',
    );
    expect(() => tf.conv2d(x, tf.ones([4, 4, 2, 4]) as tf.Tensor4D, 1, 'valid')).toThrow(
      expect.objectContaining({ code: 'WASM_KERNELS_BAD_SHAPE' }),
    );
    expect(() => tf.fused.conv2d({ x, filter, strides: 1, pad: 'valid', bias: tf.ones([1, 4]) })).toThrow(
      'fused conv2d: the bias must be float32 [4], one value per column, got float32 [1,4]',
    );
    const attrs = { strides: 1, dilations: 1, pad: 'valid', dataFormat: 'NHWC' };
    expect(() => runKernel('Conv2D', { x: tf.cast(x, 'int32'), filter }, attrs)).toThrow(
      expect.objectContaining({ code: 'WASM_KERNELS_BAD_DTYPE' }),
    );
  });
});
