import '@proj/ops/gradients';
import {
  type LsqOffsets,
  lsq,
  type QuantizedAffine,
  quantizedAttention,
  quantizedAttentionBlock,
  quantizedLinear,
  quantizedMlp,
  statsq,
} from '@proj/ops';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import './install.ts';

type Operation = (...inputs: tf.Tensor[]) => tf.Tensor;

/** Value and gradients of an operation on a backend; the inputs are waves of the given amplitude around the given centre. */
async function results(
  backend: string,
  run: Operation,
  inputs: { readonly shape: number[]; readonly centre?: number; readonly amplitude?: number }[],
): Promise<Float32Array[]> {
  await tf.setBackend(backend);
  const wave = (shape: number[], seed: number, centre: number, amplitude: number): tf.Tensor =>
    tf.tensor(
      Float32Array.from(
        { length: shape.reduce((a, b) => a * b, 1) },
        (_, i) => centre + amplitude * Math.sin((i + 1) * (seed + 0.7)),
      ),
      shape,
    );
  return tf.tidy(() => {
    const live = inputs.map(({ shape, centre = 0, amplitude = 2 }, i) => wave(shape, i, centre, amplitude));
    const value = run(...live);
    const gradients = tf.grads(run)(live, wave(value.shape, 9, 0, 1));
    return [value, ...gradients].map((tensor) => tensor.dataSync() as Float32Array);
  });
}

/** Holds our kernels on wasm against the operation composed on the cpu backend. */
async function compare(
  run: Operation,
  inputs: Parameters<typeof results>[2],
  tolerance: number,
): Promise<void> {
  const expected = await results('cpu', run, inputs);
  const received = await results('wasm', run, inputs);
  received.forEach((values, which) => {
    const magnitude = expected[which]!.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    const worst = values.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - expected[which]![i]!)),
      0,
    );
    expect(worst / magnitude).toBeLessThan(tolerance);
  });
}

const size = fc.integer({ min: 1, max: 21 });
const small = fc.integer({ min: 1, max: 4 });
const runs = { numRuns: 40, seed: 5 };
const levels = { low: -2, high: 1, gradientScale: 0.3 };
const steps = (groups: number) => ({ shape: [groups], centre: 0.6, amplitude: 0.3 });

/** lsq of x and step, or of x, step, before and after. */
const quantize =
  (inner: number): Operation =>
  (x, step, before, after) =>
    lsq(x!, step!, { ...levels, inner }, before && ({ before, after } as LsqOffsets));

describe('the quantizer kernels agree with the composed operations, value and gradients', () => {
  it('lsq without offsets, in any layout', async () => {
    await fc.assert(
      fc.asyncProperty(small, size, size, (outer, groups, inner) =>
        compare(quantize(inner), [{ shape: [outer, groups, inner] }, steps(groups)], 1e-5),
      ),
      runs,
    );
  });

  it('lsq with offsets of one group, of several, and of a part of one', async () => {
    await fc.assert(
      fc.asyncProperty(small, small, small, size, (outer, tokens, heads, width) =>
        compare(
          quantize(width),
          [
            { shape: [outer, tokens, heads * width] },
            steps(tokens * heads),
            { shape: [heads * width] },
            { shape: [heads * width] },
          ],
          1e-5,
        ),
      ),
      runs,
    );
    await fc.assert(
      fc.asyncProperty(small, small, small, size, (outer, groups, repeats, width) =>
        compare(
          quantize(repeats * width),
          [
            { shape: [outer, groups, repeats * width] },
            steps(groups),
            { shape: [width] },
            { shape: [width] },
          ],
          1e-5,
        ),
      ),
      runs,
    );
  });

  it('lsq per channel with offsets', async () => {
    await fc.assert(
      fc.asyncProperty(size, size, (rows, channels) =>
        compare(
          quantize(1),
          [{ shape: [rows, channels] }, steps(channels), { shape: [channels] }, { shape: [channels] }],
          1e-5,
        ),
      ),
      runs,
    );
    const twice = [{ shape: [2, 6] }, steps(6), { shape: [3] }, { shape: [3] }];
    await compare(quantize(1), twice, 1e-5);
  });

  it('statsq', async () => {
    // Of few bits, so that hardly any weight lies at a threshold within the accuracy of a mean.
    await fc.assert(
      fc.asyncProperty(small, size, size, fc.integer({ min: 2, max: 4 }), (outer, groups, inner, bits) =>
        compare((w) => statsq(w!, { bits, groups, inner }), [{ shape: [outer, groups, inner] }], 1e-5),
      ),
      runs,
    );
  });

  it('quantizedLinear and quantizedMlp, with residuals or without', async () => {
    const affine = (inner: number, [weight, bias, step, before, after]: tf.Tensor[]): QuantizedAffine => ({
      weight: weight!,
      bias: bias!,
      step: step!,
      offsets: { before: before!, after: after! },
      input: { ...levels, inner },
      bits: 2,
    });
    const inputs = (inner: number, outputs: number, tokens: number) => [
      { shape: [outputs, inner] },
      { shape: [outputs] },
      steps(tokens),
      { shape: [inner] },
      { shape: [inner] },
    ];
    await fc.assert(
      fc.asyncProperty(small, small, size, size, fc.boolean(), (batch, tokens, width, hidden, added) => {
        const x = { shape: [batch, tokens, width] };
        const first = inputs(width, hidden, tokens);
        const residual = added ? [{ shape: [batch, tokens, hidden] }] : [];
        return compare(
          (x, ...rest) => quantizedLinear(x!, affine(width, rest), rest[5]),
          [x, ...first, ...residual],
          1e-5,
        );
      }),
      runs,
    );
    await fc.assert(
      fc.asyncProperty(small, small, small, small, fc.boolean(), (batch, tokens, width, hidden, added) => {
        const x = { shape: [batch, tokens, width] };
        const second = inputs(hidden, width, tokens);
        return compare(
          (x, ...rest) =>
            quantizedMlp(x!, affine(width, rest), affine(hidden, rest.slice(5)), added ? x : undefined),
          [x, ...inputs(width, hidden, tokens), ...second],
          1e-4,
        );
      }),
      runs,
    );
  });

  it('quantizedAttention, with queries of their own or shared ones, with masks or without', async () => {
    // The smallest levels, so that hardly any probability lies at a threshold within the accuracy of a softmax.
    const attend =
      (heads: number): Operation =>
      (q, k, v, step, mask) =>
        quantizedAttention(q!, k!, v!, step!, { heads, scale: 0.4, high: 1, gradientScale: 0.2 }, mask);
    await fc.assert(
      fc.asyncProperty(small, size, small, size, fc.boolean(), fc.boolean(), (b, n, h, d, shared, masked) =>
        compare(
          attend(h),
          [
            { shape: [b, n, shared ? d : h * d] },
            { shape: [b, n, h * d] },
            { shape: [b, n, h * 3] },
            { shape: [n], centre: 0.3, amplitude: 0.1 },
            ...(masked ? [{ shape: [b % 2 === 0 ? b / 2 : 1, h, n, n], amplitude: 1 }] : []),
          ],
          1e-4,
        ),
      ),
      runs,
    );
  });
});

describe('the branches of a quantized transformer agree with the composed operations, value and gradients', () => {
  const layer = (inner: number, [weight, bias, step, before, after]: tf.Tensor[]): QuantizedAffine => ({
    weight: weight!,
    bias: bias!,
    step: step!,
    offsets: { before: before!, after: after! },
    input: { ...levels, inner },
    bits: 2,
  });
  const shapes = (outputs: number, width: number, groups: number, period = width) => [
    { shape: [outputs, width] },
    { shape: [outputs] },
    steps(groups),
    { shape: [period] },
    { shape: [period] },
  ];
  /** With few codes for the probabilities, so that hardly any lies at a threshold within the accuracy of a softmax. */
  const attention = (heads: number, width: number, masked: boolean, added: boolean): Operation => {
    const spec = { heads, scale: 0.02, high: 1, gradientScale: 0.2 };
    return (...given) => {
      const all = given as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, ...tf.Tensor[]];
      const [x, stepX, beforeX, afterX, weightK] = all;
      const [stepK, beforeK, afterK] = all.slice(5) as [tf.Tensor, tf.Tensor, tf.Tensor];
      const input = { ...levels, inner: width };
      const layers = {
        tokens: { step: stepX, offsets: { before: beforeX, after: afterX }, input },
        keys: { weight: weightK, bits: 2, step: stepK, offsets: { before: beforeK, after: afterK }, input },
        values: layer(1, all.slice(8)),
        probabilities: { ...spec, step: all[13]! },
        proj: layer(width, all.slice(14)),
        mask: masked ? all[19] : undefined,
      };
      return quantizedAttentionBlock(x, layers, added ? x : undefined);
    };
  };
  const attentionInputs = (batch: number, tokens: number, heads: number, width: number, masked: boolean) => {
    const [, , ...keys] = shapes(0, 0, tokens * heads, heads * width);
    return [
      { shape: [batch, tokens, width] },
      ...shapes(0, width, tokens).slice(2),
      { shape: [heads * width, width] },
      ...keys,
      ...shapes(width, width, width),
      { shape: [tokens], centre: 0.3, amplitude: 0.1 },
      ...shapes(width, width, tokens),
      ...(masked ? [{ shape: [batch % 2 === 0 ? batch / 2 : 1, heads, tokens, tokens], amplitude: 1 }] : []),
    ];
  };

  it('attention, with masks or without, with residuals or without', async () => {
    await fc.assert(
      fc.asyncProperty(small, small, small, small, fc.boolean(), fc.boolean(), (b, n, h, d, masked, added) =>
        compare(attention(h, h * d, masked, added), attentionInputs(b, n, h, h * d, masked), 1e-4),
      ),
      runs,
    );
  });

  it('attention and MLP of more images than are taken at a time', async () => {
    await compare(attention(2, 4, true, true), attentionInputs(4, 170, 2, 4, true), 1e-4);
    const mlp: Operation = (x, ...rest) => quantizedMlp(x!, layer(4, rest), layer(6, rest.slice(5)), x);
    const both = (groups: number) => [...shapes(6, 4, groups), ...shapes(4, 6, groups)];
    await compare(mlp, [{ shape: [4, 170, 4] }, ...both(170)], 1e-4);
    await compare(mlp, [{ shape: [700, 1, 4] }, ...both(1)], 1e-4);
    // Steps that come round after different numbers of rows, and offsets after two.
    const uneven: Operation = (x, ...rest) => quantizedMlp(x!, layer(2400, rest), layer(6, rest.slice(5)));
    await compare(uneven, [{ shape: [600, 4] }, ...shapes(6, 4, 1, 8), ...shapes(4, 6, 3)], 1e-4);
  });
});

describe('the quantizer kernels', () => {
  it('hide no NaN and no infinity behind their bounds', async () => {
    await tf.setBackend('wasm');
    const bad = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    const finite = (y: tf.Tensor): boolean[] => [...y.dataSync()].map(Number.isFinite);
    for (const at of [0, 4]) {
      const values = new Float32Array(7).fill(1);
      values.set(bad, at);
      const x = tf.tensor1d(values);
      const expected = [...values].map(Number.isFinite);
      expect(finite(quantize(7)(x, tf.ones([1])))).toEqual(expected);
      expect(finite(quantize(1)(x, tf.ones([7])))).toEqual(expected);
      expect(finite(quantize(1)(tf.ones([7]), x))).toEqual(expected);
      const [, dStep] = tf.grads(quantize(1))([x, tf.ones([7])]);
      expect(finite(dStep!)).toEqual(expected);
      expect(finite(tf.grads(quantize(1))([tf.ones([7]), tf.ones([7])], x)[1]!)).toEqual(expected);
      const q = statsq(tf.reshape(tf.concat([x, tf.ones([7])]), [2, 7]), { bits: 2, groups: 2, inner: 7 });
      expect(finite(q)).toEqual([...Array(7).fill(false), ...Array(7).fill(true)]);
    }
    const qkv = tf.tensor3d([0, 1, Number.NaN, 2], [2, 2, 1]);
    const spec = { heads: 1, scale: 1, high: 3, gradientScale: 1 };
    const y = quantizedAttention(qkv, qkv, tf.ones([2, 2, 1]), tf.fill([2], 0.3), spec);
    expect(finite(y)).toEqual([true, true, false, false]);
  });

  it('leave weights of zeros zero', async () => {
    await tf.setBackend('wasm');
    const q = statsq(tf.tensor2d([0, 0, 0, 1, 2, 3], [2, 3]), { bits: 2, groups: 2, inner: 3 });
    expect([...q.dataSync()]).toEqual([0, 0, 0, 1, 1, 3]);
  });
});
